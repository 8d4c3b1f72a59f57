//! Accounts: one's own, and those of others.

use crate::support::{Server, refused};
use kith::session;
use kith_client::{Session, credentials, registration};
use kith_protocol::ErrorCode;
use kith_protocol::UserId;
use kith_protocol::session::DeviceKind;
use kith_protocol::user::{Audience, DirectAudience, PatchMe, Privacy, PrivacyPatch};

const PASSWORD: &str = "correct horse";

async fn join(server: &Server, handle: &str, display_name: &str) -> Session {
    let mut request = registration(handle, PASSWORD, DeviceKind::Phone);
    request.display_name = Some(display_name.into());
    server.api().register(&request).await.unwrap()
}

fn named(display_name: &str) -> PatchMe {
    PatchMe {
        display_name: Some(display_name.into()),
        ..PatchMe::default()
    }
}

#[tokio::test]
async fn a_new_account_has_its_handle_as_name_and_hides_nothing() {
    let server = Server::start().await;
    let ann = server
        .api()
        .register(&registration("ann", PASSWORD, DeviceKind::Phone))
        .await
        .unwrap();
    let me = ann.me().await.unwrap();
    assert_eq!(
        (me.user.handle.as_str(), me.user.display_name.as_str()),
        ("ann", "ann")
    );
    assert_eq!(
        (me.user.about.as_str(), me.privacy),
        ("", Privacy::default())
    );
    assert_eq!(me.user, ann.user);
    assert_eq!(me.user.created_at, server.node.clock.now());
}

#[tokio::test]
async fn what_is_not_in_a_patch_stays() {
    let server = Server::start().await;
    let ann = join(&server, "ann", "Ann").await;
    let about = PatchMe {
        about: Some("hello\nthere".into()),
        ..PatchMe::default()
    };
    ann.patch_me(&about).await.unwrap();
    let receipts = PrivacyPatch {
        receipts: Some(Audience::Nobody),
        ..PrivacyPatch::default()
    };
    ann.patch_me(&PatchMe {
        privacy: Some(receipts),
        ..PatchMe::default()
    })
    .await
    .unwrap();
    let direct = PrivacyPatch {
        direct: Some(DirectAudience::Contacts),
        ..PrivacyPatch::default()
    };
    let patch = PatchMe {
        privacy: Some(direct),
        ..named("A\u{202e}da\u{2066}")
    };
    let me = ann.patch_me(&patch).await.unwrap();
    assert_eq!(
        (me.user.display_name.as_str(), me.user.about.as_str()),
        ("Ada", "hello\nthere")
    );
    let expected = Privacy {
        receipts: Audience::Nobody,
        direct: DirectAudience::Contacts,
        ..Privacy::default()
    };
    assert_eq!(me.privacy, expected);
    assert_eq!(ann.me().await.unwrap(), me);
}

#[tokio::test]
async fn no_change_is_lost_among_changes_at_once() {
    let server = Server::start().await;
    let ann = join(&server, "ann", "Ann").await;
    let privacy = |patch| PatchMe {
        privacy: Some(patch),
        ..PatchMe::default()
    };
    let nobody = Some(Audience::Nobody);
    let patches = [
        named("Ada"),
        PatchMe {
            about: Some("about".into()),
            ..PatchMe::default()
        },
        privacy(PrivacyPatch {
            receipts: nobody,
            ..PrivacyPatch::default()
        }),
        privacy(PrivacyPatch {
            typing: nobody,
            ..PrivacyPatch::default()
        }),
        privacy(PrivacyPatch {
            last_seen: nobody,
            ..PrivacyPatch::default()
        }),
        privacy(PrivacyPatch {
            direct: Some(DirectAudience::Contacts),
            ..PrivacyPatch::default()
        }),
    ];
    let changing = patches.map(|patch| {
        let ann = ann.clone();
        tokio::spawn(async move { ann.patch_me(&patch).await.unwrap() })
    });
    for change in changing {
        change.await.unwrap();
    }
    let me = ann.me().await.unwrap();
    assert_eq!(
        (me.user.display_name.as_str(), me.user.about.as_str()),
        ("Ada", "about")
    );
    let expected = Privacy {
        last_seen: Audience::Nobody,
        receipts: Audience::Nobody,
        typing: Audience::Nobody,
        direct: DirectAudience::Contacts,
    };
    assert_eq!(me.privacy, expected);
}

#[tokio::test]
async fn names_and_texts_keep_their_bounds_and_a_refusal_changes_nothing() {
    let server = Server::start().await;
    let ann = join(&server, "ann", "Ann").await;
    for (name, expected) in [
        ("n".repeat(63), None),
        ("n".repeat(64), None),
        ("n".repeat(65), Some(ErrorCode::InvalidField)),
        ("👩‍👩‍👧‍👦".repeat(20), None),
        ("👩‍👩‍👧‍👦".repeat(21), Some(ErrorCode::TooLarge)),
        (String::new(), Some(ErrorCode::InvalidField)),
        ("\u{3000}".into(), Some(ErrorCode::InvalidField)),
        ("a\tb".into(), Some(ErrorCode::InvalidField)),
    ] {
        let before = ann.me().await.unwrap();
        let answer = ann.patch_me(&named(&name)).await;
        match expected {
            None => assert_eq!(answer.unwrap().user.display_name, name),
            Some(code) => {
                assert_eq!(refused(answer), code, "{name}");
                assert_eq!(ann.me().await.unwrap(), before);
            }
        }
    }
    for (graphemes, expected) in [(499, true), (500, true), (501, false)] {
        let about = PatchMe {
            about: Some("é".repeat(graphemes)),
            ..PatchMe::default()
        };
        assert_eq!(ann.patch_me(&about).await.is_ok(), expected, "{graphemes}");
    }
    ann.patch_me(&PatchMe {
        about: Some(String::new()),
        ..PatchMe::default()
    })
    .await
    .unwrap();
    let body = r#"{"display_name":"evil","is_admin":true}"#;
    let answer = ann.raw("PATCH", "/v1/me", &[], body).await.unwrap();
    assert_eq!(answer.problem().unwrap().field.as_deref(), Some("is_admin"));
    assert_ne!(ann.me().await.unwrap().user.display_name, "evil");
}

#[tokio::test]
async fn people_are_shown_by_id_and_by_handle_without_what_is_private() {
    let server = Server::start().await;
    let ann = join(&server, "ann", "Ann").await;
    let bo = join(&server, "bo-lund", "Bo").await;
    assert_eq!(ann.user(bo.id()).await.unwrap(), bo.user);
    assert_eq!(ann.user_by_handle("bo-lund").await.unwrap(), bo.user);
    let raw = ann
        .raw("GET", &format!("/v1/users/{}", bo.id()), &[], "")
        .await
        .unwrap();
    let profile: serde_json::Value = raw.json().unwrap();
    assert!(profile.get("privacy").is_none() && profile.get("password").is_none());
    let nobody = UserId(server.node.clock.new_id());
    assert_eq!(refused(ann.user(nobody).await), ErrorCode::NotFound);
    for path in [
        "@",
        "@Bo",
        "@nobody",
        "bo-lund",
        "%00",
        &bo.id().to_string().to_uppercase(),
    ] {
        let raw = ann
            .raw("GET", &format!("/v1/users/{path}"), &[], "")
            .await
            .unwrap();
        assert_eq!(raw.status, 404, "{path}");
    }
}

#[tokio::test]
async fn people_are_found_by_the_beginning_of_handle_or_name() {
    let server = Server::start().await;
    let ann = join(&server, "ann", "Ann").await;
    join(&server, "bo.smith", "Bo the Builder").await;
    let cy = join(&server, "cy-moss", "Émile Bonnet").await;
    let found = async |q: &str| {
        let users = ann.find_users(q).await.unwrap().items;
        users
            .into_iter()
            .map(|user| user.handle)
            .collect::<Vec<_>>()
    };
    assert_eq!(found("bo").await, ["bo.smith", "cy-moss"]);
    assert_eq!(found("@bo").await, ["bo.smith", "cy-moss"]);
    assert_eq!(found("BUI").await, ["bo.smith"]);
    assert_eq!(found("éM").await, ["cy-moss"]);
    assert!(found("smith").await.is_empty());
    cy.patch_me(&named("Zoë")).await.unwrap();
    assert_eq!(found("bo").await, ["bo.smith"]);
    assert_eq!(found("zo").await, ["cy-moss"]);
    session::disable(&server.node, cy.id()).await.unwrap();
    assert!(found("zo").await.is_empty());
}

#[tokio::test]
async fn a_search_has_bounds_and_an_answer_of_twenty() {
    let server = Server::start().await;
    let ann = join(&server, "ann", "Ann").await;
    for n in 0..21 {
        join(&server, &format!("bo-{n:02}"), "Bo").await;
    }
    let found = ann.find_users("bo").await.unwrap();
    assert_eq!((found.items.len(), found.next), (20, None));
    ann.find_users(&"q".repeat(64)).await.unwrap();
    for q in [&"q".repeat(65), "", " ", "@", "\u{200b}"] {
        assert_eq!(
            refused(ann.find_users(q).await),
            ErrorCode::InvalidField,
            "{q:?}"
        );
    }
    for path in ["/v1/users", "/v1/users?q=a&x=1"] {
        assert_eq!(ann.raw("GET", path, &[], "").await.unwrap().status, 400);
    }
    let nobody = server
        .api()
        .login(&credentials("nobody", PASSWORD, DeviceKind::Web))
        .await;
    assert_eq!(refused(nobody), ErrorCode::Unauthorized);
    assert_eq!(
        refused(server.api().find_users("bo").await),
        ErrorCode::Unauthorized
    );
}
