//! The contract suite on the embedded engine.

use async_trait::async_trait;
use kith_store::SharedStore;
use kith_store::contract::Bed;
use kith_store::embedded::{EmbeddedConfig, open};
use tempfile::TempDir;

/// A folder of its own for each test.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }
}

#[async_trait]
impl Bed for Folder {
    async fn open(&self) -> SharedStore {
        let config = EmbeddedConfig {
            folder: self.0.path().to_owned(),
            ..EmbeddedConfig::default()
        };
        open(config).expect("a store")
    }
}

kith_store::contract!(Folder::new());
