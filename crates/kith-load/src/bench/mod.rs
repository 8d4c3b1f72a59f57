//! Measures a server: many cheap sockets on one thread, CPU and memory as the kernel counts them.

mod disk;
#[cfg(test)]
mod fake;
mod machine;
mod page;
mod request;
mod row;
mod scan;
mod scenario;
mod setup;
mod start;
mod table;
mod traffic;
mod wire;

pub use disk::append_and_sync;
pub use row::{Latency, Row, short};
pub use scenario::{Scenario, Size, fill};
pub use setup::Target;
pub use start::filled;
pub use table::{Plan, all};
