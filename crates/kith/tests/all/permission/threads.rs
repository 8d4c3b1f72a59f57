//! Routes of threads, members and messages.

use super::cast::{Kind, Person};
use super::row::{
    ALL_200, MANAGERS_200, MANAGERS_204, MEMBERS_200, OWNERS_204, READERS, Row, WRITERS_204, at,
    key, plain, row, text, with,
};
use kith_client::new_thread_id;
use serde_json::{Value, json};

/// The lines.
pub(super) fn rows() -> Vec<Row> {
    vec![
        row(
            "POST /v1/threads",
            "directly with the owner",
            "invalid_field 201 201 201 201 201 blocked session_revoked unauthorized",
            |w, _| {
                let body = json!({"kind": "direct", "participants": [w.owner().id()], "client_thread_id": new_thread_id()});
                ("/v1/threads".into(), body)
            },
        )
        .alone(),
        row(
            "POST /v1/threads",
            "a group with the owner",
            "201 201 201 201 201 201 201 session_revoked unauthorized",
            |w, _| {
                let body = json!({"kind": "group", "participants": [w.owner().id()], "client_thread_id": new_thread_id()});
                ("/v1/threads".into(), body)
            },
        )
        .alone(),
        row("GET /v1/threads", "", ALL_200, plain("/v1/threads")),
        row(
            "GET /v1/threads/by-participants",
            "exactly the members of the group",
            "200 200 200 200 not_found not_found not_found session_revoked unauthorized",
            |w, _| {
                let inside = w.people[..5].iter().map(Person::id).chain([w.ian.id(), w.joe.id()]);
                let users: Vec<String> = inside.map(|id| id.to_string()).collect();
                (format!("/v1/threads/by-participants?users={}", users.join(",")), Value::Null)
            },
        ),
        row("GET /v1/threads/{t}", "", READERS, |_, p| at(p, "")),
        row("PATCH /v1/threads/{t}", "title", MANAGERS_200, |w, p| {
            with(p, "", json!({"title": w.name(p)}))
        }),
        row("PATCH /v1/threads/{t}", "settings", MANAGERS_200, |_, p| {
            with(p, "", json!({"settings": {"open_history": p.kind == Kind::Admin}}))
        }),
        row("PATCH /v1/threads/{t}/mine", "", READERS, |_, p| with(p, "/mine", json!({"pinned": true}))),
        row("GET /v1/threads/{t}/members", "", MEMBERS_200, |_, p| at(p, "/members")),
        row("POST /v1/threads/{t}/members", "", MANAGERS_204, |w, p| {
            with(p, "/members", json!({"user_ids": [w.kim.id()]}))
        })
        .alone(),
        row("PATCH /v1/threads/{t}/members/{user}", "mute a member", MANAGERS_204, |w, p| {
            with(p, &format!("/members/{}", w.target(p)), json!({"role": "muted"}))
        })
        .alone(),
        row("PATCH /v1/threads/{t}/members/{user}", "make an admin", OWNERS_204, |w, p| {
            with(p, &format!("/members/{}", w.target(p)), json!({"role": "admin"}))
        })
        .alone(),
        row(
            "PATCH /v1/threads/{t}/members/{user}",
            "unmake the last owner",
            "forbidden forbidden forbidden forbidden not_a_member not_found forbidden session_revoked unauthorized",
            |w, p| with(p, &format!("/members/{}", w.owner().id()), json!({"role": "member"})),
        ),
        row("DELETE /v1/threads/{t}/members/{user}", "a member", MANAGERS_204, |w, p| {
            at(p, &format!("/members/{}", w.target(p)))
        })
        .alone(),
        row(
            "DELETE /v1/threads/{t}/members/{user}",
            "an admin",
            "204 204 forbidden forbidden not_a_member not_found forbidden session_revoked unauthorized",
            // The admin: oneself.
            |w, p| at(p, &format!("/members/{}", if p.kind == Kind::Owner { w.ian.id() } else { w.people[1].id() })),
        )
        .alone(),
        row(
            "DELETE /v1/threads/{t}/members/{user}",
            "oneself",
            "204 204 204 204 not_a_member not_found forbidden session_revoked unauthorized",
            |_, p| at(p, &format!("/members/{}", p.id())),
        )
        .alone(),
        row("GET /v1/threads/{t}/messages", "", READERS, |_, p| at(p, "/messages")),
        row(
            "POST /v1/threads/{t}/messages",
            "",
            "201 201 201 forbidden not_a_member not_found blocked session_revoked unauthorized",
            |_, p| with(p, "/messages", text()),
        ),
        row(
            "POST /v1/threads/{t}/messages",
            "naming everybody",
            "201 201 forbidden forbidden not_a_member not_found blocked session_revoked unauthorized",
            |_, p| {
                let mut body = text();
                body["mention_all"] = json!(true);
                with(p, "/messages", body)
            },
        ),
        row(
            "PATCH /v1/threads/{t}/messages/{seq}",
            "the owner's",
            "200 forbidden forbidden forbidden not_a_member not_found forbidden session_revoked unauthorized",
            |_, p| with(p, &format!("/messages/{}", p.owners), text()),
        ),
        row(
            "PATCH /v1/threads/{t}/messages/{seq}",
            "one's own",
            "200 200 200 forbidden not_a_member not_found blocked session_revoked unauthorized",
            |_, p| with(p, &format!("/messages/{}", p.own), text()),
        ),
        row(
            "DELETE /v1/threads/{t}/messages/{seq}",
            "the owner's",
            "200 200 forbidden forbidden not_a_member not_found forbidden session_revoked unauthorized",
            |_, p| at(p, &format!("/messages/{}?{}", p.owners, key())),
        )
        .alone(),
        row("DELETE /v1/threads/{t}/messages/{seq}", "one's own", MEMBERS_200, |_, p| {
            at(p, &format!("/messages/{}?{}", p.own, key()))
        })
        .alone(),
        row("PUT /v1/threads/{t}/messages/{seq}/reactions/{emoji}", "", WRITERS_204, |_, p| {
            at(p, &format!("/messages/{}/reactions/y", p.owners))
        }),
        row(
            "PUT /v1/threads/{t}/messages/{seq}/reactions/{emoji}",
            "on what was written while the rejoined one was out",
            "204 204 204 forbidden not_a_member not_found not_found session_revoked unauthorized",
            |w, p| at(p, &format!("/messages/{}/reactions/y", w.meanwhile)),
        )
        .rejoined("not_found"),
        row("DELETE /v1/threads/{t}/messages/{seq}/reactions/{emoji}", "one's own", WRITERS_204, |_, p| {
            at(p, &format!("/messages/{}/reactions/x", p.owners))
        })
        .alone(),
        row("PUT /v1/threads/{t}/read", "", MEMBERS_200, |_, p| {
            with(p, "/read", json!({"seq": p.owners}))
        }),
        row("PUT /v1/threads/{t}/delivered", "", MEMBERS_200, |_, p| {
            with(p, "/delivered", json!({"seq": p.owners}))
        }),
        row("GET /v1/threads/{t}/receipts", "", MEMBERS_200, |_, p| {
            at(p, &format!("/receipts?seq={}", p.owners))
        }),
        row(
            "POST /v1/threads/{t}/typing",
            "",
            "204 204 204 204 not_a_member not_found blocked session_revoked unauthorized",
            |_, p| with(p, "/typing", json!({"active": true})),
        ),
    ]
}
