//! Measures a server: many cheap sockets on one thread, CPU and memory as the kernel counts them.

mod bare;
mod come_back;
mod disk;
mod doctor;
#[cfg(test)]
mod fake;
mod filled;
mod flow;
mod idle;
mod limit;
mod machine;
mod overload;
mod pace;
mod page;
mod pages;
mod request;
mod results;
mod resume;
mod row;
mod scan;
mod scenario;
mod setup;
mod table;
mod target;
mod traffic;
mod wire;

pub use come_back::storm;
pub use disk::append_and_sync;
pub use filled::filled;
pub use limit::bare_sockets;
pub use pages::fill;
pub use row::{Latency, Row, short};
pub use scenario::{Scenario, Size};
pub use setup::Target;
pub use table::{Plan, all};
