//! The embedded engine: fjall in a data folder, one commit loop.
