//! How the C allocator keeps memory. Its defaults are for few long-lived threads: a pool of short-lived
//! ones, each hashing a password in 19 MiB, left it holding gigabytes.

/// Blocks from here on are mapped by themselves, and given back when they are freed. The default grows
/// with the first large block that is freed, and then such blocks stay in the heap of each thread.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MAPPED_FROM_BYTES: i32 = 256 * 1024;

/// Heaps: one for each of a few threads; more only keep more.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const HEAPS_MAX: i32 = 4;

/// Sets the allocator up; called once, before threads start.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(
    unsafe_code,
    reason = "mallopt has no safe binding; it takes two numbers and keeps none"
)]
pub fn set_up() {
    // SAFETY: mallopt only stores numbers, and no other thread runs yet.
    let set = unsafe {
        [
            libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_FROM_BYTES),
            libc::mallopt(libc::M_ARENA_MAX, HEAPS_MAX),
        ]
    };
    debug_assert_eq!(set, [1, 1], "mallopt takes these");
}

/// Other allocators have other habits.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn set_up() {}
