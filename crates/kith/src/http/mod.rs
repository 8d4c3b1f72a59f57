//! The doors: every route in one list.

pub mod admin;
pub mod answer;
pub mod auth;
pub mod contact;
pub mod frames;
pub mod health;
pub mod input;
pub mod message;
pub mod openapi;
pub mod patient;
pub mod presence;
pub mod session;
pub mod socket;
pub mod sync;
pub mod thread;
pub mod user;
pub mod web;

use crate::error::Error;
use crate::metrics;
use crate::node::SharedNode;
use axum::http::{HeaderMap, Method, Uri};
use axum::{Router, middleware};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::Assets;

/// Every route, with its description.
pub fn routes() -> OpenApiRouter<SharedNode> {
    OpenApiRouter::new()
        .routes(routes!(session::register))
        .routes(routes!(session::login))
        .routes(routes!(session::logout))
        .routes(routes!(session::list, session::end_others))
        .routes(routes!(session::end))
        .routes(routes!(user::me, user::patch_me))
        .routes(routes!(user::change_password))
        .routes(routes!(user::find))
        .routes(routes!(user::show))
        .routes(routes!(contact::list))
        .routes(routes!(contact::part))
        .routes(routes!(contact::requests, contact::ask))
        .routes(routes!(contact::accept))
        .routes(routes!(contact::decline))
        .routes(routes!(contact::blocks))
        .routes(routes!(contact::block, contact::unblock))
        .routes(routes!(thread::create, thread::inbox))
        .routes(routes!(thread::by_participants))
        .routes(routes!(thread::show, thread::patch))
        .routes(routes!(thread::patch_mine))
        .routes(routes!(thread::members, thread::add_members))
        .routes(routes!(thread::patch_member, thread::remove_member))
        .routes(routes!(message::page, message::send))
        .routes(routes!(message::edit, message::delete))
        .routes(routes!(message::react, message::unreact))
        .routes(routes!(message::read))
        .routes(routes!(message::delivered))
        .routes(routes!(message::receipts))
        .routes(routes!(message::typing))
        .routes(routes!(sync::sync))
        .routes(routes!(presence::heartbeat))
        .routes(routes!(presence::push_address))
        .routes(routes!(socket::open))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(openapi::serve))
}

/// The service behind the listener, with the web client that lies in this binary.
pub fn service(node: SharedNode) -> Router {
    service_with(node, Assets::built_in())
}

/// The same with another web client.
pub fn service_with(node: SharedNode, web: Assets) -> Router {
    let (router, _) = routes().split_for_parts();
    let router = router.method_not_allowed_fallback(|| async { Error::NotFound });
    let router = if node.config.http.web {
        router.fallback(
            move |method: Method, uri: Uri, headers: HeaderMap| async move {
                web::serve(web, &method, &uri, &headers)
            },
        )
    } else {
        router.fallback(|| async { Error::NotFound })
    };
    router
        .layer(middleware::from_fn(metrics::count_requests))
        .with_state(node)
}
