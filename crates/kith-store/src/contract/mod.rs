//! The contract suite: every promise on the traits, tried on an engine.
