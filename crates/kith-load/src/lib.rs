//! Load generator and auditor: recorded conversations replayed and checked, kills survived, and
//! measured load.

pub mod audit;
pub mod bench;
pub mod kill;
pub mod replay;
pub mod server;
