//! Lists and their pages.

use serde::{Deserialize, Serialize};

/// A page of a list; `next` is null on the last one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct List<T> {
    /// The rows of this page.
    pub items: Vec<T>,
    /// Where the next page begins: opaque, given back as `cursor`.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub next: Option<String>,
}

impl<T> List<T> {
    /// A list that is whole.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}
