//! What comes through the door: JSON bodies, queries and path parameters, strictly read.

use crate::error::Error;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use kith_protocol::BadField;
use kith_protocol::input;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// A request body.
pub const BODY_MAX_BYTES: usize = 1 << 20;

/// How long a client may take to send a body; the listener puts it beside each request.
#[derive(Clone, Copy, Debug)]
pub struct BodyWithin(pub Duration);

/// A JSON body.
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        if !is_json(&request) {
            return Err(Error::Unsupported("send application/json"));
        }
        let within = request.extensions().get::<BodyWithin>().copied();
        let body = Limited::new(request.into_body(), BODY_MAX_BYTES).collect();
        let read = match within {
            Some(BodyWithin(within)) => timely(within, body).await?,
            None => body.await,
        };
        let bytes = read.map_err(|error| {
            if error.is::<LengthLimitError>() {
                Error::TooLarge(BODY_MAX_BYTES)
            } else {
                Error::Field(BadField::invalid("body", "ended too early"))
            }
        })?;
        Ok(Self(input::parse(&bytes.to_bytes())?))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a client takes to send is not the rules' time"
)]
async fn timely<T>(within: Duration, body: impl Future<Output = T>) -> Result<T, Error> {
    tokio::time::timeout(within, body)
        .await
        .map_err(|_| Error::Field(BadField::invalid("body", "took too long")))
}

fn is_json(request: &Request) -> bool {
    let media_type = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = media_type
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// A query string.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let query = parts.uri.query().unwrap_or_default();
        read_query(query).map(Self)
    }
}

/// Reads a query string; names the field that is wrong.
pub(crate) fn read_query<T: DeserializeOwned>(query: &str) -> Result<T, Error> {
    serde_urlencoded::from_str(query).map_err(|_| {
        let pairs = serde_urlencoded::from_str::<Vec<(String, String)>>(query).unwrap_or_default();
        let reader = serde::de::value::MapDeserializer::new(
            pairs
                .iter()
                .map(|(name, value)| (name.as_str(), Word(value))),
        );
        let bad = match serde_path_to_error::deserialize::<_, T>(reader) {
            Ok(_) => BadField::invalid("query", "is not url-encoded"),
            Err(error) => {
                let path = error.path().to_string();
                let inner: serde::de::value::Error = error.into_inner();
                input::bad_field(&path, &inner.to_string())
            }
        };
        Error::Field(bad)
    })
}

/// A value of a query: text that may be a number.
struct Word<'a>(&'a str);

impl<'de, 'a: 'de> serde::de::IntoDeserializer<'de> for Word<'a> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $ty:ty),+) => {
        $(fn $method<V: serde::de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            match self.0.parse::<$ty>() {
                Ok(number) => visitor.$visit(number),
                Err(_) => visitor.visit_borrowed_str(self.0),
            }
        })+
    };
}

impl<'de, 'a: 'de> serde::Deserializer<'de> for Word<'a> {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: serde::de::Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_option<V: serde::de::Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    numbers!(
        deserialize_bool visit_bool bool, deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64, deserialize_i64 visit_i64 i64
    );

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Path parameters: what does not parse does not exist.
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(_) => Err(Error::NotFound),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_protocol::ErrorCode;
    use kith_protocol::entry::{DeleteMessage, PageQuery};

    fn wrong<T: DeserializeOwned>(query: &str) -> (ErrorCode, String) {
        match read_query::<T>(query) {
            Err(Error::Field(bad)) => (bad.code, bad.field.into_owned()),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("{query} was accepted"),
        }
    }

    #[test]
    fn the_wrong_field_of_a_query_is_named() {
        let invalid = ErrorCode::InvalidField;
        assert_eq!(wrong::<PageQuery>("limit=x"), (invalid, "limit".into()));
        assert_eq!(wrong::<PageQuery>("limit="), (invalid, "limit".into()));
        assert_eq!(wrong::<PageQuery>("before=-1"), (invalid, "before".into()));
        assert_eq!(wrong::<PageQuery>("at=yesterday"), (invalid, "at".into()));
        assert_eq!(
            wrong::<PageQuery>("x=1"),
            (ErrorCode::UnknownField, "x".into())
        );
        assert_eq!(
            wrong::<DeleteMessage>("seen_head=0"),
            (invalid, "client_msg_id".into())
        );
        assert_eq!(
            wrong::<DeleteMessage>("client_msg_id=x&seen_head=0"),
            (invalid, "client_msg_id".into())
        );
        assert_eq!(
            read_query::<PageQuery>("limit=5").expect("good").limit,
            Some(5)
        );
    }
}
