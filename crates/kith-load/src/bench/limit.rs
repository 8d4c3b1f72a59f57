//! The physical limit of a row, measured right after it: what the disk and bare sockets do of the
//! same work. A ratio to it says more than a figure of a shared machine.

use super::bare::{Audience, Bare};
use super::disk::append_and_sync;
use super::flow::Flow;
use super::pace::Pace;
use super::row::Row;
use super::scenario::{PAIRS, ROOM, ROOM_LARGE, Scenario, Size, measured};
use super::traffic::Traffic;
use super::wire::{self, Wires};
use anyhow::Result;
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

const WARM_UP: Duration = Duration::from_millis(300);

/// Sockets and flows of a row whose limit can be measured.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// So many pairs with a window.
    Pairs(usize, u64),
    /// A room of so many with one sender and a window.
    Room(usize, u64),
}

impl Shape {
    /// Of a scenario, if it has one.
    pub(super) fn of(scenario: Scenario, size: Size) -> Option<Self> {
        let room = |online: usize, window| Some(Self::Room(online.min(size.members), window));
        match scenario {
            Scenario::Pairs => Some(Self::Pairs(PAIRS, 10)),
            Scenario::PairsOne => Some(Self::Pairs(PAIRS, 1)),
            Scenario::Room => room(ROOM, 1),
            Scenario::RoomBusy => room(ROOM, 32),
            Scenario::RoomLarge => room(ROOM_LARGE, 1),
            _ => None,
        }
    }
}

/// Measures for a fifth of the time of the row what bounds it, and writes the ratios into it.
pub(super) fn beside(row: &mut Row, shape: Shape, folder: &Path, duration: Duration) -> Result<()> {
    let messages_per_s = row.messages_per_s.unwrap_or_default();
    // A room is bounded by its deliveries, not by the few messages behind them.
    if let (Some(batch), Shape::Pairs(..)) = (row.batch, shape) {
        let records = batch.round().max(1.0) as usize;
        let disk = append_and_sync(folder, records, duration / 5)?;
        row.of_disk = Some(messages_per_s / disk.value);
    }
    let sockets = bare(shape, duration / 5)?;
    let bare_per_s = sockets.messages_per_s.unwrap_or_default();
    row.of_sockets = (bare_per_s > 0.0).then(|| messages_per_s / bare_per_s);
    Ok(())
}

/// The same frames over the same sockets with nothing behind them: 50 pairs and a room of 200. CPU is
/// not told apart: it is all in this process.
pub fn bare_sockets(duration: Duration) -> Result<Vec<Row>> {
    let shapes = [
        ("sockets-pairs", Shape::Pairs(PAIRS, 10)),
        ("sockets-pairs-one", Shape::Pairs(PAIRS, 1)),
        ("sockets-room", Shape::Room(ROOM, 1)),
        ("sockets-room-busy", Shape::Room(ROOM, 32)),
    ];
    shapes
        .into_iter()
        .map(|(name, shape)| {
            let mut row = bare(shape, duration)?;
            name.clone_into(&mut row.scenario);
            Ok(row)
        })
        .collect()
}

fn bare(shape: Shape, duration: Duration) -> Result<Row> {
    let (sockets, audience) = match shape {
        Shape::Pairs(pairs, _) => (2 * pairs, Audience::Pair),
        Shape::Room(sockets, _) => (sockets, Audience::All),
    };
    let server = Bare::start(sockets, audience)?;
    let mut wires = Wires::new()?;
    for _ in 0..sockets {
        wires.add(wire::dial(server.address, "bare")?)?;
    }
    let flow = |socket, window, receivers| {
        Flow::new(
            socket,
            Uuid::nil().to_string(),
            window,
            receivers,
            Uuid::new_v4(),
        )
    };
    let flows = match shape {
        Shape::Pairs(pairs, window) => (0..pairs).map(|pair| flow(2 * pair, window, 1)).collect(),
        Shape::Room(sockets, window) => vec![flow(0, window, sockets as u32 - 1)],
    };
    let mut traffic = Traffic::new(wires, flows, sockets)?;
    let row = measured(
        "sockets",
        None,
        &mut traffic,
        (WARM_UP, duration),
        Pace::Window,
    )?;
    drop(traffic);
    server.join()?;
    let (per_s, unit) = match shape {
        Shape::Pairs(..) => (row.messages_per_s, "messages/s"),
        Shape::Room(..) => (row.deliveries_per_s, "deliveries/s"),
    };
    Ok(row.valued(per_s.unwrap_or_default(), unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_sockets_deliver_everything_once() {
        for shape in [Shape::Pairs(2, 3), Shape::Room(5, 4)] {
            let row = bare(shape, Duration::from_millis(150)).expect("sockets");
            assert!(row.messages_per_s.is_some_and(|per_s| per_s > 0.0));
            assert_eq!((row.faults, row.note.as_str()), (0, ""), "{shape:?}");
        }
    }
}
