//! Load generator and auditor: recorded conversations replayed and checked, and measured load.

pub mod audit;
pub mod bench;
pub mod replay;
pub mod server;
