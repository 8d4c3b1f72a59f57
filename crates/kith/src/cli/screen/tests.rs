//! Pictures of many states, and what keys and events do to them, without a server or a terminal.

mod hand;
mod picture;
mod scene;
