//! See `kith::fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kith::fuzz::feed("key", bytes));
