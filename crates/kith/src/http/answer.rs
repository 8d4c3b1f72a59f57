//! What goes out through the door: JSON, and refusals in their one shape.

use crate::error::Error;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A JSON answer with its status.
pub struct Answer<T>(pub StatusCode, pub T);

/// 200 with a body.
pub fn ok<T: Serialize>(body: T) -> Answer<T> {
    Answer(StatusCode::OK, body)
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let Ok(json) = serde_json::to_vec(&self.1) else {
            return Error::Internal("an answer could not be written").into_response();
        };
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        (self.0, headers, json).into_response()
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = self.problem();
        match &self {
            Self::Store(error) => tracing::warn!(%error, "a request failed in the store"),
            Self::Internal(error) => tracing::error!(%error, "a request failed by our fault"),
            _ => {}
        }
        let status =
            StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let json = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, json).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = problem.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}
