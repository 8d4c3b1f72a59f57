//! What owners and admins set for a thread.

use crate::error::BadField;
use crate::word::words;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Slow mode waits at most a day.
pub const SLOW_MAX_S: u32 = 86_400;

words! {
    /// Who may write in a group.
    WhoWrites {
        /// Every member who is not muted.
        Everyone = "everyone",
        /// Owners and admins.
        Admins = "admins",
    }
}

/// How long bodies are kept. On the wire `forever`, `until_delivered` or `days(30)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum History {
    /// Nothing is erased by age.
    #[default]
    Forever,
    /// Bodies of entries older than this many days are erased.
    Days(u16),
    /// Bodies are erased once every member's every live session holds them.
    UntilDelivered,
}

impl std::fmt::Display for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Forever => f.write_str("forever"),
            Self::Days(days) => write!(f, "days({days})"),
            Self::UntilDelivered => f.write_str("until_delivered"),
        }
    }
}

impl History {
    /// Reads the text on the wire.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "forever" => Some(Self::Forever),
            "until_delivered" => Some(Self::UntilDelivered),
            _ => {
                let days: u16 = text
                    .strip_prefix("days(")?
                    .strip_suffix(')')?
                    .parse()
                    .ok()?;
                (days > 0).then_some(Self::Days(days))
            }
        }
    }
}

impl Serialize for History {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for History {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text).ok_or_else(|| {
            de::Error::invalid_value(
                de::Unexpected::Str(&text),
                &"forever, until_delivered or days(n) with n from 1 to 65535",
            )
        })
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for History {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some(r"^(forever|until_delivered|days\([1-9][0-9]*\))$"))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for History {}

/// Settings of a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Settings {
    /// How long bodies are kept.
    pub history: History,
    /// Whether new members see what was before them.
    pub open_history: bool,
    /// Who may write.
    pub who_writes: WhoWrites,
    /// Seconds between two messages of one member; 0 is off. Owners and admins do not wait.
    pub slow_s: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            history: History::Forever,
            open_history: false,
            who_writes: WhoWrites::Everyone,
            slow_s: 0,
        }
    }
}

/// Settings to change; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SettingsPatch {
    /// How long bodies are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<History>,
    /// Whether new members see what was before them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_history: Option<bool>,
    /// Who may write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who_writes: Option<WhoWrites>,
    /// Seconds between two messages of one member, up to a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_s: Option<u32>,
}

impl SettingsPatch {
    /// The settings after this patch.
    pub fn on(&self, settings: &Settings) -> Settings {
        Settings {
            history: self.history.unwrap_or(settings.history),
            open_history: self.open_history.unwrap_or(settings.open_history),
            who_writes: self.who_writes.unwrap_or(settings.who_writes),
            slow_s: self.slow_s.unwrap_or(settings.slow_s),
        }
    }

    pub(super) fn check(&self) -> Result<(), BadField> {
        if self.slow_s.is_some_and(|slow_s| slow_s > SLOW_MAX_S) {
            return Err(BadField::invalid("settings.slow_s", "at most 86400"));
        }
        check_history("settings.history", self.history)
    }
}

/// Until histories that end are built, only `forever` is a promise that can be kept.
pub fn check_history(field: &'static str, history: Option<History>) -> Result<(), BadField> {
    match history {
        None | Some(History::Forever) => Ok(()),
        Some(_) => Err(BadField::invalid(
            field,
            "only forever is available in this version",
        )),
    }
}
