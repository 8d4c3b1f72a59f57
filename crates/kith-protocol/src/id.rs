//! Ids: newtypes over UUIDs. On the wire they are 36 lower-case characters and nothing else; in
//! rows they are 16 bytes.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};
use std::fmt;
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The 16 bytes that rows hold.
            pub const fn bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// The id with these 16 bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// Reads the one accepted text form: 36 characters, lower case, hyphens in place.
            pub fn parse(text: &str) -> Option<Self> {
                parse_strictly(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                if s.is_human_readable() {
                    s.serialize_str(self.0.as_hyphenated().encode_lower(&mut [0; 36]))
                } else {
                    self.bytes().serialize(s)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                if d.is_human_readable() {
                    d.deserialize_str(Text).map(Self)
                } else {
                    <[u8; 16]>::deserialize(d).map(Self::from_bytes)
                }
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .format(Some(utoipa::openapi::SchemaFormat::Custom("uuid".into())))
                    .pattern(Some("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"))
                    .into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}
    };
}

id!(/** An account. UUIDv7. */ UserId);
id!(/** One signed-in device of a user. UUIDv7. */ SessionId);
id!(/** A conversation. UUIDv8, derived: see [`ThreadId::direct`] and [`ThreadId::group`]. */ ThreadId);
id!(/** Made by the client, kept until acknowledged, the same on every retry. */ ClientMsgId);
id!(/** Made by the client: creating a group again with it finds the first one. */ ClientThreadId);
id!(/** A contact request. UUIDv8 of asker and asked, so asking twice is one request. */ RequestId);

impl ThreadId {
    /// The direct thread of two people: the same whoever asks, so there is one per pair by
    /// construction.
    pub fn direct(a: UserId, b: UserId) -> Self {
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        Self(derived(b"direct", &[low.bytes(), high.bytes()]))
    }

    /// The group that `creator` made with this id of its own: creating is idempotent.
    pub fn group(creator: UserId, client_thread_id: ClientThreadId) -> Self {
        Self(derived(
            b"group",
            &[creator.bytes(), client_thread_id.bytes()],
        ))
    }
}

impl RequestId {
    /// The request of `from` to `to`.
    pub fn between(from: UserId, to: UserId) -> Self {
        Self(derived(b"request", &[from.bytes(), to.bytes()]))
    }
}

/// A UUIDv8 (RFC 9562, section 5.8) of a SHA-256 over a domain word and ids.
fn derived(domain: &[u8], ids: &[&[u8; 16]]) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(domain);
    for id in ids {
        hash.update(id);
    }
    let digest = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Uuid::new_v8(bytes)
}

fn parse_strictly(text: &str) -> Option<Uuid> {
    let canonical = text.len() == 36
        && text.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
        });
    canonical.then(|| Uuid::try_parse(text).ok()).flatten()
}

struct Text;

impl de::Visitor<'_> for Text {
    type Value = Uuid;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a UUID in 36 lower-case characters")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Uuid, E> {
        parse_strictly(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_direct_thread_has_one_id_whoever_asks() {
        let (a, b) = (UserId(Uuid::now_v7()), UserId(Uuid::now_v7()));
        assert_eq!(ThreadId::direct(a, b), ThreadId::direct(b, a));
        assert_ne!(ThreadId::direct(a, b), ThreadId::direct(a, a));
        assert_eq!(ThreadId::direct(a, b).0.get_version_num(), 8);
    }

    #[test]
    fn only_36_lower_case_characters_are_an_id() {
        let good = "abcdefab-0123-4567-89ab-0123456789ab";
        assert!(UserId::parse(good).is_some());
        for bad in [
            good.to_uppercase(),
            good.replace('-', ""),
            format!("{{{good}}}"),
            format!("urn:uuid:{good}"),
            format!(" {good}"),
            good[..35].to_owned(),
            good.replace('a', "g"),
        ] {
            assert!(UserId::parse(&bad).is_none(), "{bad}");
        }
    }
}
