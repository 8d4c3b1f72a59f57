//! A disk that can be unplugged: preloaded into a process, it remembers what the process wrote below a
//! folder and did not sync, and takes it back when the next process starts on it. So `kill -9` and a
//! start become a power cut. Disks that are full and disks that fail are played too.
//!
//! What is modelled, and what is not, stands in decision 18. All is set by the environment:
//!
//! | variable | says |
//! |---|---|
//! | `PLUG_FOLDER` | files below it are watched; nothing is done without it |
//! | `PLUG_SIDE` | an existing folder on the same file system for what may have to be taken back |
//! | `PLUG_SEED` | at the start what was not synced is taken back, as this number draws it; without it, it stays |
//! | `PLUG_ROOM_BYTES` | after so many bytes the disk is full |
//! | `PLUG_FAIL_FSYNC` | from this sync on, counted from 1, every sync fails with EIO |
//! | `PLUG_STRICT` | `1`: the name of a new file needs a sync of its folder, as POSIX has it |
//! | `PLUG_LIE` | `1`: syncs say that all is well and make nothing durable |
#![expect(
    unsafe_code,
    reason = "functions of the C library are replaced here, and the kernel is called in their stead"
)]

mod call;
mod chance;
mod cut;
mod data_hook;
mod descriptor;
mod fault;
mod name_hook;
mod names;
mod undo;

use descriptor::Descriptors;
use fault::Faults;
use names::Names;
use std::cell::Cell;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};

/// What is known of the disk.
struct Plug {
    folder: PathBuf,
    side: PathBuf,
    descriptors: Descriptors,
    names: Mutex<Names>,
    faults: Faults,
    /// A sync of a new file does not make its name durable.
    is_strict: bool,
}

static PLUG: OnceLock<Plug> = OnceLock::new();

thread_local! {
    /// This thread is in here already: what it calls now goes straight to the kernel.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` with the disk; none if nothing is watched, or on a thread that is in here already.
fn inside<T>(work: impl FnOnce(&'static Plug) -> T) -> Option<T> {
    let plug = PLUG.get()?;
    // A thread that ends has no place to remember this any longer; it writes no files either.
    let was_inside = INSIDE.try_with(|inside| inside.replace(true)).ok()?;
    if was_inside {
        return None;
    }
    let done = work(plug);
    INSIDE.with(|inside| inside.set(false));
    Some(done)
}

/// Before `main`: the power comes back.
extern "C" fn start() {
    let variable = |name| std::env::var(name).ok();
    let number = |name| variable(name).and_then(|text| text.parse::<u64>().ok());
    let (Some(folder), Some(side)) = (variable("PLUG_FOLDER"), variable("PLUG_SIDE")) else {
        return;
    };
    let (Ok(folder), Ok(side)) = (std::fs::canonicalize(&folder), std::fs::canonicalize(&side))
    else {
        give_up("PLUG_FOLDER and PLUG_SIDE must exist");
    };
    if let Err(error) = cut::take_back(&folder, &side, number("PLUG_SEED")) {
        give_up(&format!(
            "what was not synced cannot be taken back: {error}"
        ));
    }
    let names = match Names::open(&side) {
        Ok(names) => Mutex::new(names),
        Err(error) => give_up(&format!("{}: {error}", side.display())),
    };
    let plug = Plug {
        descriptors: Descriptors::default(),
        names,
        faults: Faults::new(
            number("PLUG_ROOM_BYTES"),
            number("PLUG_FAIL_FSYNC"),
            number("PLUG_LIE") == Some(1),
        ),
        is_strict: number("PLUG_STRICT") == Some(1),
        folder,
        side,
    };
    let _ = PLUG.set(plug);
}

/// A test of durability that tests nothing would be worse than none.
fn give_up(why: &str) -> ! {
    eprintln!("kith-plug: {why}");
    std::process::abort();
}

#[used]
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn() = start;
