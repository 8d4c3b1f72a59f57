//! `[push]`: open sockets.

use super::section::section;
use kith_protocol::frame::FRAME_MAX_BYTES;

section! {
    /// Live delivery over open sockets.
    Push {
        /// What may wait for one connection. When it is full, pushes are dropped and the client
        /// is told to fetch what it lacks; one frame must fit.
        queue_max_bytes: usize = FRAME_MAX_BYTES, in FRAME_MAX_BYTES..=(64 << 20);
        /// Open connections of this node; more are refused with "try later". The system's limit
        /// of open files (`ulimit -n`) must be higher.
        connections_max: usize = 100_000, in 1..=10_000_000;
        /// A connection that takes nothing for so long while something waits is closed.
        slow_reader_s: u64 = 30, in 1..=3_600;
        /// How long a stop waits for answers that are on their way; then it closes what is left.
        drain_s: u64 = 10, in 0..=600;
    }
}
