//! Behaviour of the whole server, from outside, one file per noun. One test program, so that the
//! server is linked once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(
    clippy::disallowed_methods,
    reason = "what waits for a real server waits in real time"
)]

mod bench;
mod bounds;
mod chat;
mod client;
mod config;
mod contact;
mod demo;
mod doctor;
mod door;
mod fuzz;
mod inbox;
mod input;
mod kill;
mod limit;
mod message;
mod model;
mod nasty;
mod openapi;
mod operate;
mod overload;
mod permission;
mod presence;
mod protocol;
mod push;
mod receipt;
mod replay;
mod schedule;
mod screen;
mod session;
mod support;
mod sync;
mod thread;
mod user;
mod web;
