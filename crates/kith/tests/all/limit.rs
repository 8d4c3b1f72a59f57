//! How often is too often.

use crate::support::{Server, refused};
use kith::config::{Config, Rate, RateKey};
use kith_client::{ClientError, credentials, registration};
use kith_protocol::session::DeviceKind;
use kith_protocol::user::ChangePassword;
use kith_protocol::{ErrorCode, Problem};
use std::time::Duration;

const PASSWORD: &str = "correct horse";

fn limited<T>(answer: Result<T, ClientError>) -> u64 {
    let problem: Problem = match answer {
        Err(ClientError::Refused(problem)) => *problem,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("was accepted"),
    };
    assert_eq!(problem.code, ErrorCode::RateLimited);
    problem.retry_after_s.unwrap()
}

fn two_accounts_a_minute(config: &mut Config) {
    config.limits.enabled = true;
    config.limits.register = Rate {
        key: RateKey::Address,
        per_s: 1.0 / 60.0,
        burst: 2,
    };
}

#[tokio::test]
async fn the_eleventh_wrong_password_in_a_minute_has_to_wait_even_with_limits_off() {
    let server = Server::start().await;
    let api = server.api();
    api.register(&registration("ann", PASSWORD, DeviceKind::Phone))
        .await
        .unwrap();
    for handle in ["ann", "nobody-is-here"] {
        let wrong = credentials(handle, "wrong horse", DeviceKind::Web);
        for _ in 0..10 {
            assert_eq!(refused(api.login(&wrong).await), ErrorCode::Unauthorized);
        }
        assert_eq!(limited(api.login(&wrong).await), 6);
    }
    let right = credentials("ann", PASSWORD, DeviceKind::Web);
    limited(api.login(&right).await);
    let body = serde_json::to_vec(&right).unwrap();
    let raw = api.raw("POST", "/v1/login", &[], body).await.unwrap();
    assert_eq!(
        (raw.status, raw.headers["retry-after"].to_str().unwrap()),
        (429, "6")
    );

    server.clock.advance(Duration::from_secs(60));
    let ann = api.login(&right).await.unwrap();
    for _ in 0..10 {
        let change = ChangePassword {
            current: "wrong horse".into(),
            new: "battery staple".into(),
        };
        assert_eq!(
            refused(ann.change_password(&change).await),
            ErrorCode::Unauthorized
        );
    }
    limited(api.login(&right).await);
    ann.me().await.unwrap();
}

#[tokio::test]
async fn right_passwords_are_never_too_many() {
    let server = Server::start().await;
    let api = server.api();
    api.register(&registration("ann", PASSWORD, DeviceKind::Phone))
        .await
        .unwrap();
    for _ in 0..30 {
        api.login(&credentials("ann", PASSWORD, DeviceKind::Phone))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn accounts_from_one_address_are_limited_and_come_back_with_time() {
    let server = Server::with(two_accounts_a_minute).await;
    let join = async |handle: &str| {
        server
            .api()
            .register(&registration(handle, PASSWORD, DeviceKind::Phone))
            .await
    };
    join("ann").await.unwrap();
    join("bo-lund").await.unwrap();
    assert_eq!(limited(join("cy-moss").await), 60);
    server.clock.advance(Duration::from_secs(60));
    join("cy-moss").await.unwrap();
    limited(join("di-vale").await);
}

#[tokio::test]
async fn addresses_behind_a_proxy_count_only_if_it_is_trusted() {
    for (trusted, expected) in [(true, [201, 201, 201]), (false, [201, 201, 429])] {
        let server = Server::with(|config| {
            two_accounts_a_minute(config);
            if trusted {
                config.http.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
            }
        })
        .await;
        let mut statuses = Vec::new();
        for (handle, address) in [
            ("ann", "192.0.2.1"),
            ("bo-lund", "192.0.2.1"),
            ("cy-moss", "192.0.2.2"),
        ] {
            let body =
                serde_json::to_vec(&registration(handle, PASSWORD, DeviceKind::Phone)).unwrap();
            let headers = [("x-forwarded-for", address)];
            let answer = server
                .api()
                .raw("POST", "/v1/register", &headers, body)
                .await
                .unwrap();
            statuses.push(answer.status);
        }
        assert_eq!(statuses, expected, "trusted: {trusted}");
    }
}

#[tokio::test]
async fn one_users_searches_do_not_hold_up_another() {
    let server = Server::with(|config| {
        config.limits.enabled = true;
        config.limits.search = Rate {
            key: RateKey::User,
            per_s: 1.0,
            burst: 3,
        };
    })
    .await;
    let api = server.api();
    let ann = api
        .register(&registration("ann", PASSWORD, DeviceKind::Phone))
        .await
        .unwrap();
    let desktop = api
        .login(&credentials("ann", PASSWORD, DeviceKind::Desktop))
        .await
        .unwrap();
    let bo = api
        .register(&registration("bo-lund", PASSWORD, DeviceKind::Phone))
        .await
        .unwrap();
    for session in [&ann, &desktop, &ann] {
        session.find_users("bo-lund").await.unwrap();
    }
    assert_eq!(limited(ann.find_users("bo-lund").await), 1);
    limited(desktop.user(bo.id()).await);
    bo.find_users("ann").await.unwrap();
}

#[tokio::test]
async fn a_session_that_runs_wild_is_slowed() {
    let server = Server::with(|config| {
        config.limits.enabled = true;
        config.limits.everything = Rate {
            key: RateKey::Session,
            per_s: 1.0,
            burst: 5,
        };
    })
    .await;
    let ann = server
        .api()
        .register(&registration("ann", PASSWORD, DeviceKind::Phone))
        .await
        .unwrap();
    for _ in 0..5 {
        ann.me().await.unwrap();
    }
    assert_eq!(limited(ann.me().await), 1);
    server.clock.advance(Duration::from_secs(1));
    ann.me().await.unwrap();
}
