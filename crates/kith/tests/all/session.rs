//! Signing up, in and out, and the devices that are signed in.

use crate::support::{Server, code, refused};
use kith::config::{DeviceRule, Policy};
use kith::session;
use kith_client::{Api, ClientError, Session, Socket, credentials, registration};
use kith_protocol::frame::ServerFrame;
use kith_protocol::presence::State;
use kith_protocol::session::{DeviceKind, EndReason};
use kith_protocol::user::ChangePassword;
use kith_protocol::{ErrorCode, Problem, SessionId};
use std::time::Duration;

const PASSWORD: &str = "correct horse";
const DAY: Duration = Duration::from_secs(86_400);

async fn join(server: &Server, handle: &str, kind: DeviceKind) -> Session {
    server
        .api()
        .register(&registration(handle, PASSWORD, kind))
        .await
        .unwrap()
}

async fn sign_in(server: &Server, handle: &str, kind: DeviceKind) -> Session {
    server
        .api()
        .login(&credentials(handle, PASSWORD, kind))
        .await
        .unwrap()
}

/// Waits for the end of a socket; gives the reason that was told and the close code.
async fn ending(socket: &mut Socket) -> (Option<EndReason>, Option<u16>) {
    let mut reason = None;
    while let Some(push) = socket.push().await {
        if let ServerFrame::SessionEnded(ended) = push {
            reason = Some(ended.reason);
        }
    }
    (reason, socket.wait_closed().await.code)
}

#[tokio::test]
async fn one_handle_makes_one_account_however_many_ask_at_once() {
    let server = Server::start().await;
    let asking = (0..20).map(|_| {
        let api = server.api();
        tokio::spawn(async move {
            api.register(&registration("ann", PASSWORD, DeviceKind::Phone))
                .await
        })
    });
    let (mut made, mut taken) = (Vec::new(), 0);
    for answer in asking.collect::<Vec<_>>() {
        match answer.await.unwrap() {
            Ok(session) => made.push(session.id()),
            Err(error) => {
                assert_eq!(code(&error), ErrorCode::HandleTaken);
                taken += 1;
            }
        }
    }
    assert_eq!((made.len(), taken), (1, 19));
    let bo = join(&server, "bo-lund", DeviceKind::Phone).await;
    assert_eq!(bo.user_by_handle("ann").await.unwrap().id, made[0]);
}

#[tokio::test]
async fn a_second_phone_ends_the_first_and_says_so_everywhere() {
    let server = Server::start().await;
    let first = join(&server, "ann", DeviceKind::Phone).await;
    let mut socket = first.socket().await.unwrap();
    let second = sign_in(&server, "ann", DeviceKind::Phone).await;
    let replaced: Vec<_> = second.replaced.iter().map(|session| session.id).collect();
    assert_eq!(replaced, [first.session.id]);
    assert_eq!(refused(first.me().await), ErrorCode::SessionReplaced);
    assert_eq!(
        ending(&mut socket).await,
        (Some(EndReason::Replaced), Some(4100))
    );
    let again = second.push_address(Default::default()).await.unwrap();
    let hello = Socket::open(&again.url, Some(first.token.clone()), State::Online).await;
    match hello {
        Err(ClientError::Closed(closed)) => assert_eq!(closed.code, Some(4100)),
        other => panic!("a dead token was welcome: {:?}", other.err()),
    }
    assert_eq!(second.me().await.unwrap().user.id, first.id());
}

#[tokio::test]
async fn ten_phones_that_sign_in_at_once_leave_exactly_one_alive() {
    let server = Server::start().await;
    let mut all = vec![join(&server, "ann", DeviceKind::Phone).await];
    let signing_in = (0..10).map(|_| {
        let api = server.api();
        tokio::spawn(async move {
            api.login(&credentials("ann", PASSWORD, DeviceKind::Phone))
                .await
                .unwrap()
        })
    });
    for session in signing_in.collect::<Vec<_>>() {
        all.push(session.await.unwrap());
    }
    let mut alive = Vec::new();
    for session in &all {
        match session.me().await {
            Ok(_) => alive.push(session),
            Err(error) => assert_eq!(code(&error), ErrorCode::SessionReplaced),
        }
    }
    assert_eq!(alive.len(), 1);
    let listed = alive[0].sessions().await.unwrap().items;
    let listed: Vec<_> = listed.iter().map(|session| session.id).collect();
    assert_eq!(listed, [alive[0].session.id]);
}

#[tokio::test]
async fn other_kinds_of_devices_live_beside_the_phone() {
    let server = Server::start().await;
    let phone = join(&server, "ann", DeviceKind::Phone).await;
    let mut others = Vec::new();
    for kind in [
        DeviceKind::Desktop,
        DeviceKind::Desktop,
        DeviceKind::Web,
        DeviceKind::Tablet,
    ] {
        others.push(sign_in(&server, "ann", kind).await);
    }
    for other in &others {
        assert!(other.replaced.is_empty());
        other.me().await.unwrap();
    }
    let listed = phone.sessions().await.unwrap().items;
    assert_eq!(listed.len(), 5);
    let current: Vec<_> = listed.iter().filter(|session| session.current).collect();
    assert_eq!(current.len(), 1);
    assert_eq!(current[0].id, phone.session.id);
    assert_eq!(current[0].address, "127.0.0.1");
}

#[tokio::test]
async fn signing_out_and_revoking_end_token_and_socket() {
    let server = Server::start().await;
    let phone = join(&server, "ann", DeviceKind::Phone).await;
    let desktop = sign_in(&server, "ann", DeviceKind::Desktop).await;
    let web = sign_in(&server, "ann", DeviceKind::Web).await;
    let mut desktop_socket = desktop.socket().await.unwrap();
    let mut web_socket = web.socket().await.unwrap();

    phone.end_session(desktop.session.id).await.unwrap();
    assert_eq!(
        ending(&mut desktop_socket).await,
        (Some(EndReason::Revoked), Some(4101))
    );
    assert_eq!(refused(desktop.me().await), ErrorCode::SessionRevoked);
    web.logout().await.unwrap();
    assert_eq!(
        ending(&mut web_socket).await,
        (Some(EndReason::SignedOut), Some(4101))
    );
    assert_eq!(refused(web.me().await), ErrorCode::SessionRevoked);

    let terminal = sign_in(&server, "ann", DeviceKind::Terminal).await;
    phone.end_other_sessions().await.unwrap();
    assert_eq!(refused(terminal.me().await), ErrorCode::SessionRevoked);
    phone.end_other_sessions().await.unwrap();
    phone.me().await.unwrap();
    let unsaid = phone
        .raw("DELETE", "/v1/sessions?others=false", &[], "")
        .await
        .unwrap();
    assert_eq!(unsaid.problem().unwrap().field.as_deref(), Some("others"));
}

#[tokio::test]
async fn nobody_ends_or_sees_the_session_of_another() {
    let server = Server::start().await;
    let ann = join(&server, "ann", DeviceKind::Phone).await;
    let bo = join(&server, "bo-lund", DeviceKind::Phone).await;
    assert_eq!(
        refused(bo.end_session(ann.session.id).await),
        ErrorCode::NotFound
    );
    let unknown = SessionId(server.node.clock.new_id());
    assert_eq!(refused(bo.end_session(unknown).await), ErrorCode::NotFound);
    ann.me().await.unwrap();
    let listed = bo.sessions().await.unwrap().items;
    assert!(listed.iter().all(|session| session.id == bo.session.id));
}

#[tokio::test]
async fn the_33rd_session_ends_the_least_recently_used() {
    let server = Server::start().await;
    let mut all = vec![join(&server, "ann", DeviceKind::Desktop).await];
    for _ in 1..32 {
        all.push(sign_in(&server, "ann", DeviceKind::Desktop).await);
    }
    server.clock.advance(Duration::from_secs(120));
    for session in all
        .iter()
        .filter(|session| session.session.id != all[7].session.id)
    {
        session.me().await.unwrap();
    }
    let newest = sign_in(&server, "ann", DeviceKind::Desktop).await;
    let replaced: Vec<_> = newest.replaced.iter().map(|session| session.id).collect();
    assert_eq!(replaced, [all[7].session.id]);
    assert_eq!(refused(all[7].me().await), ErrorCode::SessionReplaced);
    assert_eq!(newest.sessions().await.unwrap().items.len(), 32);
}

#[tokio::test]
async fn a_kind_with_the_policy_ask_can_be_taken_over() {
    let server = Server::with(|config| {
        config.session.web = DeviceRule {
            max: 1,
            policy: Policy::Ask,
        };
        config.session.bot = DeviceRule {
            max: 1,
            policy: Policy::Refuse,
        };
    })
    .await;
    let web = join(&server, "ann", DeviceKind::Web).await;
    let mut login = credentials("ann", PASSWORD, DeviceKind::Web);
    let problem = problem(server.api().login(&login).await);
    assert_eq!(problem.code, ErrorCode::SessionLimit);
    assert_eq!(problem.sessions.len(), 1);
    assert_eq!(problem.sessions[0].id, web.session.id);
    web.me().await.unwrap();
    login.takeover = Some(true);
    let taken = server.api().login(&login).await.unwrap();
    assert_eq!(taken.replaced[0].id, web.session.id);
    assert_eq!(refused(web.me().await), ErrorCode::SessionReplaced);

    let bot = sign_in(&server, "ann", DeviceKind::Bot).await;
    let login = kith_protocol::session::Login {
        takeover: Some(true),
        ..credentials("ann", PASSWORD, DeviceKind::Bot)
    };
    assert_eq!(
        refused(server.api().login(&login).await),
        ErrorCode::SessionLimit
    );
    bot.me().await.unwrap();
}

#[tokio::test]
async fn a_session_ends_90_days_after_its_last_use() {
    let server = Server::start().await;
    let ann = join(&server, "ann", DeviceKind::Phone).await;
    server.clock.advance(89 * DAY);
    ann.me().await.unwrap();
    server.clock.advance(89 * DAY);
    ann.me().await.unwrap();
    let own = &ann.sessions().await.unwrap().items[0];
    assert_eq!(own.last_seen_at, server.node.clock.now());
    assert_eq!(own.expires_at.0 - own.last_seen_at.0, 90 * 86_400_000);
    server.clock.advance(90 * DAY);
    assert_eq!(refused(ann.me().await), ErrorCode::SessionExpired);
    assert_eq!(refused(ann.me().await), ErrorCode::SessionExpired);
    let again = sign_in(&server, "ann", DeviceKind::Phone).await;
    assert!(again.replaced.is_empty());
    assert_eq!(again.sessions().await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn a_session_is_touched_at_most_once_a_minute() {
    let server = Server::start().await;
    let ann = join(&server, "ann", DeviceKind::Phone).await;
    let began = ann.session.last_seen_at;
    server.clock.advance(Duration::from_secs(59));
    assert_eq!(ann.sessions().await.unwrap().items[0].last_seen_at, began);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(
        ann.sessions().await.unwrap().items[0].last_seen_at,
        began.after_ms(60_000)
    );
}

#[tokio::test]
async fn the_reason_of_a_dead_token_is_told_for_30_days() {
    let server = Server::start().await;
    let ann = join(&server, "ann", DeviceKind::Phone).await;
    ann.logout().await.unwrap();
    server.clock.advance(30 * DAY - Duration::from_millis(1));
    session::forget_ended(&server.node).await.unwrap();
    assert_eq!(refused(ann.me().await), ErrorCode::SessionRevoked);
    server.clock.advance(Duration::from_millis(1));
    assert_eq!(refused(ann.me().await), ErrorCode::Unauthorized);
    assert_eq!(session::forget_ended(&server.node).await.unwrap(), 1);
    assert_eq!(refused(ann.me().await), ErrorCode::Unauthorized);
}

#[tokio::test]
async fn a_new_password_ends_all_other_sessions_and_the_old_password() {
    let server = Server::start().await;
    let phone = join(&server, "ann", DeviceKind::Phone).await;
    let desktop = sign_in(&server, "ann", DeviceKind::Desktop).await;
    let mut socket = desktop.socket().await.unwrap();
    let change = |current: &str, new: &str| ChangePassword {
        current: current.into(),
        new: new.into(),
    };
    let wrong = problem(
        phone
            .change_password(&change("wrong horse", "battery staple"))
            .await,
    );
    assert_eq!(wrong.code, ErrorCode::Unauthorized);
    assert_eq!(wrong.retry, kith_protocol::error::Retry::Never);
    assert_eq!(
        refused(phone.change_password(&change(PASSWORD, "short")).await),
        ErrorCode::InvalidField
    );
    desktop.me().await.unwrap();

    phone
        .change_password(&change(PASSWORD, "battery staple"))
        .await
        .unwrap();
    assert_eq!(
        ending(&mut socket).await,
        (Some(EndReason::PasswordChanged), Some(4101))
    );
    assert_eq!(refused(desktop.me().await), ErrorCode::SessionRevoked);
    phone.me().await.unwrap();
    let old = server
        .api()
        .login(&credentials("ann", PASSWORD, DeviceKind::Web))
        .await;
    assert_eq!(refused(old), ErrorCode::Unauthorized);
    server
        .api()
        .login(&credentials("ann", "battery staple", DeviceKind::Web))
        .await
        .unwrap();
}

#[tokio::test]
async fn no_session_of_the_old_password_outlives_the_change() {
    let server = Server::start().await;
    for round in 0..10 {
        let handle = format!("ann{round}");
        let phone = join(&server, &handle, DeviceKind::Phone).await;
        let racing: Vec<_> = (0..6)
            .map(|_| {
                let (api, handle) = (server.api(), handle.clone());
                tokio::spawn(async move {
                    api.login(&credentials(&handle, PASSWORD, DeviceKind::Desktop))
                        .await
                })
            })
            .collect();
        let change = ChangePassword {
            current: PASSWORD.into(),
            new: "battery staple".into(),
        };
        phone.change_password(&change).await.unwrap();
        for login in racing {
            match login.await.unwrap() {
                Ok(session) => assert_eq!(refused(session.me().await), ErrorCode::SessionRevoked),
                Err(error) => assert_eq!(code(&error), ErrorCode::Unauthorized),
            }
        }
        assert_eq!(phone.sessions().await.unwrap().items.len(), 1);
    }
}

#[tokio::test]
async fn a_disabled_account_is_out_at_once_and_stays_out() {
    let server = Server::start().await;
    let ann = join(&server, "ann", DeviceKind::Phone).await;
    let mut socket = ann.socket().await.unwrap();
    session::disable(&server.node, ann.id()).await.unwrap();
    assert_eq!(
        ending(&mut socket).await,
        (Some(EndReason::Disabled), Some(4102))
    );
    assert_eq!(refused(ann.me().await), ErrorCode::AccountDisabled);
    let login = credentials("ann", PASSWORD, DeviceKind::Phone);
    assert_eq!(
        refused(server.api().login(&login).await),
        ErrorCode::AccountDisabled
    );
    let wrong = credentials("ann", "wrong horse", DeviceKind::Phone);
    assert_eq!(
        refused(server.api().login(&wrong).await),
        ErrorCode::Unauthorized
    );
    session::enable(&server.node, ann.id()).await.unwrap();
    server.api().login(&login).await.unwrap();
    assert_eq!(refused(ann.me().await), ErrorCode::AccountDisabled);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_handle_get_the_same_answer() {
    let server = Server::start().await;
    join(&server, "ann", DeviceKind::Phone).await;
    let mut answers = Vec::new();
    for handle in ["ann", "nobody-is-here", "Not A Handle", ""] {
        let body =
            serde_json::to_vec(&credentials(handle, "wrong horse", DeviceKind::Web)).unwrap();
        let answer = server
            .api()
            .raw("POST", "/v1/login", &[], body)
            .await
            .unwrap();
        answers.push((answer.status, answer.body));
    }
    let email = r#"{"email":"ann@example.org","password":"wrong horse","device":{"kind":"web","label":"x"}}"#;
    let answer = server
        .api()
        .raw("POST", "/v1/login", &[], email)
        .await
        .unwrap();
    answers.push((answer.status, answer.body));
    assert_eq!(answers[0].0, 401);
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
}

#[tokio::test]
async fn what_signs_in_keeps_its_bounds() {
    let server = Server::start().await;
    for handle in [
        "ab",
        &"q".repeat(33),
        "9abc",
        "-abc",
        "a b",
        "ä-b",
        "Abc",
        "",
    ] {
        let answer = server
            .api()
            .register(&registration(handle, PASSWORD, DeviceKind::Web))
            .await;
        assert_eq!(refused(answer), ErrorCode::InvalidField, "{handle:?}");
    }
    for (bytes, expected) in [
        (7, Some(ErrorCode::InvalidField)),
        (8, None),
        (9, None),
        (1_023, None),
        (1_024, None),
        (1_025, Some(ErrorCode::TooLarge)),
    ] {
        let request = registration(
            &format!("bytes-{bytes}"),
            &"x".repeat(bytes),
            DeviceKind::Web,
        );
        let answer = server.api().register(&request).await;
        assert_eq!(answer.err().map(|error| code(&error)), expected, "{bytes}");
    }
    let long = credentials("ann", &"x".repeat(1_025), DeviceKind::Web);
    assert_eq!(
        refused(server.api().login(&long).await),
        ErrorCode::TooLarge
    );
    let mut mail = registration("ann", PASSWORD, DeviceKind::Web);
    mail.email = Some("ann@example.org".into());
    assert_eq!(
        problem(server.api().register(&mail).await).field.as_deref(),
        Some("email")
    );
    let mut unnamed = registration("ann", PASSWORD, DeviceKind::Web);
    unnamed.device.label = " ".into();
    assert_eq!(
        problem(server.api().register(&unnamed).await)
            .field
            .as_deref(),
        Some("device.label")
    );
    let mut both = credentials("ann", PASSWORD, DeviceKind::Web);
    both.email = Some("ann@example.org".into());
    assert_eq!(
        refused(server.api().login(&both).await),
        ErrorCode::InvalidField
    );
}

#[tokio::test]
async fn only_bearer_and_cookie_carry_a_token() {
    let server = Server::start().await;
    let ann = join(&server, "ann", DeviceKind::Phone).await;
    let api = server.api();
    let bearer = format!("Bearer {}", ann.token);
    let me = async |path: &str, headers: &[(&str, &str)]| {
        api.raw("GET", path, headers, "").await.unwrap().status
    };
    assert_eq!(me("/v1/me", &[("authorization", &bearer)]).await, 200);
    assert_eq!(
        me(
            "/v1/me",
            &[("authorization", &bearer.replace("Bearer", "bearer"))]
        )
        .await,
        200
    );
    assert_eq!(me("/v1/me", &[]).await, 401);
    assert_eq!(me("/v1/me", &[("authorization", "Basic eDp5")]).await, 401);
    assert_eq!(
        me("/v1/me", &[("authorization", &bearer[..bearer.len() - 1])]).await,
        401
    );
    assert_eq!(me(&format!("/v1/me?token={}", ann.token), &[]).await, 401);
    assert_eq!(
        me(&format!("/v1/me?access_token={}", ann.token), &[]).await,
        401
    );
}

#[tokio::test]
async fn a_cookie_is_set_only_for_an_allowed_page_and_instead_of_the_token() {
    let server = Server::start().await;
    join(&server, "ann", DeviceKind::Phone).await;
    let mut login = credentials("ann", PASSWORD, DeviceKind::Web);
    login.cookie = Some(true);
    let body = serde_json::to_vec(&login).unwrap();
    let post = async |headers: &[(&str, &str)]| {
        server
            .api()
            .raw("POST", "/v1/login", headers, body.clone())
            .await
            .unwrap()
    };
    let own = server.api().base().to_owned();
    let longer = format!("{own}.evil.example");
    for headers in [
        vec![("origin", own.as_str())],
        vec![("x-kith", "1")],
        vec![("origin", "null"), ("x-kith", "1")],
        vec![("origin", "http://evil.example"), ("x-kith", "1")],
        vec![("origin", longer.as_str()), ("x-kith", "1")],
        vec![("origin", own.as_str()), ("x-kith", "0")],
    ] {
        let answer = post(&headers).await;
        assert_eq!(
            answer.problem().unwrap().code,
            ErrorCode::Origin,
            "{headers:?}"
        );
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    let answer = post(&[("origin", &own), ("x-kith", "1")]).await;
    assert_eq!(answer.status, 200);
    let signed_in: serde_json::Value = answer.json().unwrap();
    assert!(signed_in.get("token").is_none());
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("kith_session="), "the name");
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(attribute), "{attribute}");
    }
    assert!(!cookie.contains("Secure"), "plain HTTP over loopback");
}

/// The pair for a `Cookie` header of a new session.
async fn cookie_of(server: &Server, handle: &str) -> String {
    let mut login = credentials(handle, PASSWORD, DeviceKind::Web);
    login.cookie = Some(true);
    let api = server.api();
    let headers = [("origin", api.base()), ("x-kith", "1")];
    let answer = api
        .raw(
            "POST",
            "/v1/login",
            &headers,
            serde_json::to_vec(&login).unwrap(),
        )
        .await;
    let answer = answer.unwrap();
    answer.headers["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_cookie_acts_only_for_an_allowed_page_that_says_so() {
    let server = Server::start().await;
    join(&server, "ann", DeviceKind::Phone).await;
    let bo = join(&server, "bo-lund", DeviceKind::Phone).await;
    let cookie = cookie_of(&server, "ann").await;
    let api = server.api();
    let own = api.base().to_owned();
    let status = async |api: &Api, method: &str, extra: &[(&str, &str)]| {
        let mut headers = vec![("cookie", cookie.as_str())];
        headers.extend(extra);
        let body = if method == "GET" {
            ""
        } else {
            r#"{"about":"x"}"#
        };
        api.raw(method, "/v1/me", &headers, body)
            .await
            .unwrap()
            .status
    };
    let (good, kith, evil) = (
        ("origin", own.as_str()),
        ("x-kith", "1"),
        ("origin", "http://evil.example"),
    );
    for (method, extra, expected) in [
        ("PATCH", vec![good, kith], 200),
        ("PATCH", vec![good], 403),
        ("PATCH", vec![kith], 403),
        ("PATCH", vec![evil, kith], 403),
        ("PATCH", vec![("origin", "null"), kith], 403),
        ("GET", vec![], 200),
        ("GET", vec![good], 200),
        ("GET", vec![evil], 403),
        ("GET", vec![("origin", "null")], 403),
    ] {
        assert_eq!(
            status(&api, method, &extra).await,
            expected,
            "{method} {extra:?}"
        );
    }
    // With both, the bearer counts: its user, and no rules of cookies.
    assert_eq!(status(&bo, "PATCH", &[]).await, 200);
    assert_eq!(bo.me().await.unwrap().user.about, "x");
    let wrong = format!("Bearer {}", "A".repeat(43));
    assert_eq!(status(&api, "GET", &[("authorization", &wrong)]).await, 401);
}

#[tokio::test]
async fn a_socket_opens_for_pages_of_the_list_and_for_programs() {
    let server = Server::start().await;
    let ann = join(&server, "ann", DeviceKind::Phone).await;
    let cookie = cookie_of(&server, "ann").await;
    let url = ann.push_address(Default::default()).await.unwrap().url;
    let own = server.api().base().to_owned();
    let (cookie, good) = (("cookie", cookie.as_str()), ("origin", own.as_str()));
    let (evil, null) = (("origin", "http://evil.example"), ("origin", "null"));
    for (headers, opens) in [
        (vec![cookie, good], true),
        (vec![cookie], false),
        (vec![cookie, evil], false),
        (vec![cookie, null], false),
        (vec![evil], false),
        (vec![null], false),
        (vec![good], true),
        (vec![], true),
    ] {
        let dialled = Socket::dial(&url, &headers).await;
        assert_eq!(dialled.is_ok(), opens, "{headers:?}");
        if let Ok(mut socket) = dialled {
            let token = (!headers.contains(&cookie)).then(|| ann.token.clone());
            socket.hello(token, State::Online).await.unwrap();
            assert!(socket.welcome().unwrap().session.current);
        }
    }
}

#[tokio::test]
async fn signing_out_takes_the_cookie_away() {
    let server = Server::start().await;
    join(&server, "ann", DeviceKind::Phone).await;
    let cookie = cookie_of(&server, "ann").await;
    let api = server.api();
    let own = api.base().to_owned();
    let headers = [
        ("cookie", cookie.as_str()),
        ("origin", &own),
        ("x-kith", "1"),
    ];
    let answer = api.raw("POST", "/v1/logout", &headers, "").await.unwrap();
    assert_eq!(answer.status, 204);
    assert!(
        answer.headers["set-cookie"]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    let after = api
        .raw("GET", "/v1/me", &[("cookie", &cookie)], "")
        .await
        .unwrap();
    assert_eq!(after.problem().unwrap().code, ErrorCode::SessionRevoked);
}

fn problem<T>(answer: Result<T, ClientError>) -> Problem {
    match answer {
        Err(ClientError::Refused(problem)) => *problem,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("was accepted"),
    }
}
