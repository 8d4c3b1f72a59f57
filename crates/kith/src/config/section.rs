//! What a configuration section is made of: typed fields with a default, bounds and a comment each.

use serde::Serialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What a field can hold; decides how texts from the environment and from flags are read.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// An integer.
    Whole,
    /// A number that may have a fraction.
    Decimal,
    /// `true` or `false`.
    Switch,
    /// Any text.
    Text,
    /// An address with a port.
    Address,
    /// One of a few words.
    Words(&'static [&'static str]),
    /// Texts; separated by commas in the environment and in flags.
    List,
    /// Fields of its own.
    Section(Vec<Field>),
}

impl Shape {
    /// In words, to complete "must be ...".
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Whole => "a whole number".into(),
            Self::Decimal => "a number".into(),
            Self::Switch => "true or false".into(),
            Self::Text => "a text in quotes".into(),
            Self::Address => "an address with a port, such as 127.0.0.1:8080".into(),
            Self::Words(words) => format!("one of {}", words.join(", ")),
            Self::List => "a list of texts".into(),
            Self::Section(_) => "a section".into(),
        }
    }

    /// Whether a value has this shape; its bounds are another matter.
    pub(super) fn fits(&self, value: &toml::Value) -> bool {
        use toml::Value;
        match (self, value) {
            (Self::Whole | Self::Decimal, Value::Integer(_))
            | (Self::Decimal, Value::Float(_))
            | (Self::Switch, Value::Boolean(_))
            | (Self::Text, Value::String(_))
            | (Self::Section(_), Value::Table(_)) => true,
            (Self::Words(words), Value::String(text)) => words.contains(&text.as_str()),
            (Self::Address, Value::String(text)) => text.parse::<SocketAddr>().is_ok(),
            (Self::List, Value::Array(items)) => items.iter().all(Value::is_str),
            _ => false,
        }
    }

    /// Reads a text as it stands in the environment or behind a flag.
    pub(super) fn read(&self, text: &str) -> Option<toml::Value> {
        use toml::Value;
        let value = match self {
            Self::Whole => Value::Integer(text.parse().ok()?),
            Self::Decimal => Value::Float(text.parse().ok().filter(|n: &f64| n.is_finite())?),
            Self::Switch => Value::Boolean(text.parse().ok()?),
            Self::Text | Self::Address | Self::Words(_) => Value::String(text.into()),
            Self::List => text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| Value::String(item.into()))
                .collect::<Vec<_>>()
                .into(),
            Self::Section(_) => return None,
        };
        self.fits(&value).then_some(value)
    }
}

/// One field of a section.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// Its key.
    pub(super) name: &'static str,
    /// Its comment, line by line.
    pub(super) doc: Vec<&'static str>,
    /// What it can hold.
    pub(super) shape: Shape,
    /// `1 to 100`, if it has bounds.
    pub(super) bounds: Option<String>,
    /// For a field without a default: what a value looks like.
    pub(super) like: Option<&'static str>,
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Which: `http.listen`.
    pub(super) key: String,
    /// In words, to stand after the key.
    pub(super) why: String,
}

/// A type that a field can have.
pub(super) trait Setting: Serialize {
    /// What it can hold.
    fn shape() -> Shape;

    /// Says what no type can say: bounds, files that must exist.
    fn look_over(&self, _key: &str, _wrong: &mut Vec<Wrong>) {}
}

macro_rules! shapes {
    ($($shape:ident: $($ty:ty),+;)+) => {
        $($(impl Setting for $ty {
            fn shape() -> Shape {
                Shape::$shape
            }
        })+)+
    };
}

shapes! {
    Whole: u32, u64, usize;
    Decimal: f64;
    Switch: bool;
    Text: String, PathBuf;
    Address: SocketAddr;
}

impl<T: Setting> Setting for Option<T> {
    fn shape() -> Shape {
        T::shape()
    }

    fn look_over(&self, key: &str, wrong: &mut Vec<Wrong>) {
        if let Some(value) = self {
            value.look_over(key, wrong);
        }
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn shape() -> Shape {
        Shape::List
    }
}

/// Declares a section: a struct whose fields keep default, bounds and comment together. The
/// comments become `kith.example.toml`. Fields look like
/// `name: Type = default, in bounds, like "example of a value";` (the last two if they apply).
macro_rules! section {
    ($(#[doc = $doc:literal])* $name:ident {
        $($(#[doc = $fdoc:literal])*
        $field:ident: $ty:ty = $default:expr $(, in $bounds:expr)? $(, like $like:literal)?;)+
    }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[doc = $fdoc])* pub $field: $ty,)+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl $crate::config::section::Setting for $name {
            fn shape() -> $crate::config::section::Shape {
                use $crate::config::section::{Field, Setting, Shape};
                Shape::Section(vec![$(Field {
                    name: stringify!($field),
                    doc: vec![$($fdoc),*],
                    shape: <$ty as Setting>::shape(),
                    bounds: None$(.or(Some({
                        let bounds = $bounds;
                        format!("{} to {}", bounds.start(), bounds.end())
                    })))?,
                    like: None$(.or(Some($like)))?,
                },)+])
            }

            fn look_over(&self, key: &str, wrong: &mut Vec<$crate::config::section::Wrong>) {
                use $crate::config::section::{Setting, within};
                $(
                    let key_of_field = within(key, stringify!($field));
                    Setting::look_over(&self.$field, &key_of_field, wrong);
                    $(
                        let bounds = $bounds;
                        if !bounds.contains(&self.$field) {
                            wrong.push($crate::config::section::Wrong {
                                key: key_of_field,
                                why: format!(
                                    "must be {} to {}, not {}",
                                    bounds.start(), bounds.end(), self.$field
                                ),
                            });
                        }
                    )?
                )+
            }
        }
    };
}

/// Declares a setting that is one of a few words.
macro_rules! words {
    ($(#[doc = $doc:literal])* $name:ident {
        $($(#[doc = $vdoc:literal])* $variant:ident = $word:literal),+ $(,)?
    }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[doc = $vdoc])* #[serde(rename = $word)] $variant,)+
        }

        impl $crate::config::section::Setting for $name {
            fn shape() -> $crate::config::section::Shape {
                $crate::config::section::Shape::Words(&[$($word),+])
            }
        }
    };
}

pub(super) use {section, words};

/// The key of a field inside a section.
pub(super) fn within(section: &str, field: &str) -> String {
    if section.is_empty() {
        field.to_owned()
    } else {
        format!("{section}.{field}")
    }
}
