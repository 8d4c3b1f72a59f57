//! `kith-load`: replays, audits, measures.
