//! The configuration: where values come from, which win, and what is refused in which words.

use kith::config::{AdminListen, Config, Flag, Policy, RateKey, example, reference};
use kith_protocol::session::DeviceKind;
use proptest::prelude::*;
use std::path::PathBuf;

/// A file that goes when the test ends.
struct File {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn file(text: &str) -> File {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kith.toml");
    std::fs::write(&path, text).unwrap();
    File {
        _folder: folder,
        path,
    }
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).into(), (*value).into());
    pairs.iter().map(owned).collect()
}

fn flag(key: &str, value: &str) -> Flag {
    Flag {
        name: "--set".into(),
        key: key.into(),
        value: value.into(),
    }
}

/// What is said about a configuration that must be refused.
fn refusal(text: &str) -> String {
    Config::load(Some(&file(text).path), [], &[])
        .expect_err("must be refused")
        .to_string()
}

#[test]
fn it_runs_with_nothing_at_all() {
    let config = Config::load(None, [], &[]).unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.check(), Ok(()));
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.session.rule(DeviceKind::Phone).max, 1);
    assert_eq!(config.session.rule(DeviceKind::Web).max, 0);
    assert_eq!(
        config.admin_listen(),
        AdminListen::Unix("data/admin.sock".into())
    );
}

#[test]
fn variables_go_over_the_file_and_flags_over_variables() {
    let file = file("[push]\ndrain_s = 1\nslow_reader_s = 2\nconnections_max = 3\n");
    let config = Config::load(
        Some(&file.path),
        variables(&[
            ("KITH_PUSH_SLOW_READER_S", "20"),
            ("KITH_PUSH_CONNECTIONS_MAX", "30"),
        ]),
        &[flag("push.connections_max", "300")],
    )
    .unwrap();
    let push = config.push;
    assert_eq!(
        (push.drain_s, push.slow_reader_s, push.connections_max),
        (1, 20, 300)
    );
}

#[test]
fn every_kind_of_value_can_come_from_a_variable() {
    let config = Config::load(
        None,
        variables(&[
            ("KITH_HTTP_LISTEN", "127.0.0.1:1"),
            (
                "KITH_HTTP_ALLOWED_ORIGINS",
                "https://a.example, https://b.example",
            ),
            ("KITH_HTTP_TRUSTED_PROXIES", "10.0.0.0/8"),
            ("KITH_HTTP_PUBLIC_URL", "https://chat.example"),
            ("KITH_SESSION_PHONE_MAX", "2"),
            ("KITH_SESSION_PHONE_POLICY", "ask"),
            ("KITH_LIMITS_ENABLED", "false"),
            ("KITH_LIMITS_SEND_PER_S", "0.5"),
            ("KITH_LIMITS_SEND_KEY", "session"),
            ("KITH_STORE_FOLDER", "/srv/kith"),
        ]),
        &[],
    )
    .unwrap();
    assert_eq!(config.http.listen.port(), 1);
    assert_eq!(
        config.http.allowed_origins,
        ["https://a.example", "https://b.example"]
    );
    assert!(config.http.trusted_proxies[0].contains("10.9.8.7".parse().unwrap()));
    assert_eq!(
        config.http.public_url.as_deref(),
        Some("https://chat.example")
    );
    assert_eq!(
        (config.session.phone.max, config.session.phone.policy),
        (2, Policy::Ask)
    );
    assert!(!config.limits.enabled);
    assert_eq!(
        (config.limits.send.per_s, config.limits.send.key),
        (0.5, RateKey::Session)
    );
    assert_eq!(
        config.admin_listen(),
        AdminListen::Unix("/srv/kith/admin.sock".into())
    );
}

#[test]
fn a_wrong_value_is_named_with_its_key_and_where_it_came_from() {
    let file = file("[presence]\nlease_s = 1\n");
    let path = file.path.display().to_string();
    let refused = Config::load(
        Some(&file.path),
        variables(&[("KITH_HTTP_LISTEN", "everywhere")]),
        &[flag("push.drain_s", "soon")],
    )
    .unwrap_err();
    let all = refused.to_string();
    assert!(
        all.contains("http.listen must be an address with a port, such as 127.0.0.1:8080, not \"everywhere\" (from KITH_HTTP_LISTEN)"),
        "{all}"
    );
    assert!(
        all.contains("push.drain_s must be a whole number, not \"soon\" (from --set)"),
        "{all}"
    );
    assert!(
        all.contains(&format!(
            "presence.lease_s must be 3 to 3600, not 1 (in {path})"
        )),
        "{all}"
    );
}

#[test]
fn an_unknown_key_is_refused_with_the_one_that_was_meant() {
    let said =
        refusal("[http]\nlisten_on = \"127.0.0.1:1\"\n[push]\ndrain = 3\n[trhead]\nshards = 1\n");
    assert!(
        said.contains("http.listen_on is no key of the configuration; did you mean http.listen?"),
        "{said}"
    );
    assert!(
        said.contains("push.drain is no key of the configuration; did you mean push.drain_s?"),
        "{said}"
    );
    assert!(
        said.contains("trhead is no key of the configuration"),
        "{said}"
    );
    assert!(refusal("http = 3\n").contains("http is a section: write [http]"));
}

#[test]
fn a_variable_that_looks_like_ours_must_be_ours() {
    let wrong = variables(&[("KITH_HTTP_LISTNE", "127.0.0.1:1")]);
    let refused = Config::load(None, wrong, &[]).unwrap_err().to_string();
    assert!(
        refused.contains("KITH_HTTP_LISTNE sets nothing"),
        "{refused}"
    );
    assert!(
        refused.contains("did you mean KITH_HTTP_LISTEN?"),
        "{refused}"
    );

    // An orchestrator sets these for a service that is called kith.
    let foreign = variables(&[
        ("KITH_SERVICE_HOST", "10.0.0.1"),
        ("KITH_PORT", "tcp://10.0.0.1:80"),
        ("KITH_PASSWORD", "what kith chat signs in with"),
    ]);
    assert_eq!(Config::load(None, foreign, &[]), Ok(Config::default()));
}

#[test]
fn bounds_hold_at_the_edge_and_one_beyond() {
    for (key, lowest, highest) in [
        ("thread.group_max_members", 3, 100_000),
        ("session.phone.max", 0, 32),
        ("push.drain_s", 0, 600),
        ("password.queue", 1, 10_000),
    ] {
        let load = |value: i64| Config::load(None, [], &[flag(key, &value.to_string())]);
        assert!(load(lowest).is_ok() && load(highest).is_ok(), "{key}");
        for beyond in [lowest - 1, highest + 1] {
            let said = load(beyond).unwrap_err().to_string();
            let must = format!("{key} must be {lowest} to {highest}, not {beyond}");
            assert!(said.contains(&must), "{said}");
        }
    }
}

#[test]
fn values_that_do_not_go_together_are_refused() {
    for (text, key) in [
        (
            "[presence]\nheartbeat_s = 40\n",
            "presence.lease_s must be at least twice",
        ),
        (
            "[thread]\npersonal_channel_max_members = 50\n",
            "thread.personal_channel_return_members must not be above",
        ),
        (
            "[password]\nmemory_kib = 8\nparallelism = 2\n",
            "password.memory_kib must be at least 16",
        ),
        (
            "[session.web]\npolicy = \"ask\"\n",
            "session.web.policy has no effect",
        ),
        (
            "[limits.login]\nkey = \"user\"\n",
            "limits.login.key must be address",
        ),
        (
            "[admin]\nlisten = \"127.0.0.1:1\"\n",
            "admin.token_file must name a file",
        ),
        (
            "[log]\nfilter = \"kith=loud\"\n",
            "log.filter cannot be understood",
        ),
        (
            "[http]\nallowed_origins = [\"*\"]\n",
            "http.allowed_origins must be scheme and host",
        ),
    ] {
        let said = refusal(text);
        assert!(said.contains(key), "{text}: {said}");
    }
}

#[test]
fn the_admin_listener_never_stands_on_a_network() {
    for address in ["0.0.0.0:9090", "192.168.1.1:9090", "[::]:9090"] {
        let refused = Config::load(None, [], &[flag("admin.listen", address)]).unwrap_err();
        let must =
            format!("admin.listen must be a loopback address or a Unix socket, not {address}");
        assert!(refused.to_string().contains(&must), "{refused}");
    }
    let long = format!("unix:/{}", "x".repeat(107));
    let refused = Config::load(None, [], &[flag("admin.listen", &long)]).unwrap_err();
    assert!(
        refused.to_string().contains("more than 107 bytes"),
        "{refused}"
    );
    let fits = format!("unix:/{}", "x".repeat(106));
    assert!(Config::load(None, [], &[flag("admin.listen", &fits)]).is_ok());
}

#[test]
fn secrets_come_from_files_and_show_themselves_to_nobody() {
    let secret = file("correct horse\n");
    let flags = [
        flag("admin.listen", "127.0.0.1:0"),
        flag("admin.token_file", secret.path.to_str().unwrap()),
    ];
    let config = Config::load(None, [], &flags).unwrap();
    let token = config.admin.token_file.as_ref().unwrap().read().unwrap();
    assert_eq!(token.expose(), "correct horse");
    assert!(!format!("{token:?} {config:?}").contains("horse"));
    assert!(!serde_json::to_string(&config).unwrap().contains("horse"));

    std::fs::write(&secret.path, "\n").unwrap();
    let refused = Config::load(None, [], &flags).unwrap_err().to_string();
    assert!(refused.contains("admin.token_file is empty"), "{refused}");
    std::fs::remove_file(&secret.path).unwrap();
    let refused = Config::load(None, [], &flags).unwrap_err().to_string();
    assert!(
        refused.contains("admin.token_file cannot be read"),
        "{refused}"
    );
}

#[test]
fn a_file_that_is_not_there_or_no_toml_is_refused_with_its_name() {
    let nowhere = PathBuf::from("/nowhere/kith.toml");
    let said = Config::load(Some(&nowhere), [], &[])
        .unwrap_err()
        .to_string();
    assert!(said.contains("/nowhere/kith.toml cannot be read"), "{said}");
    let said = refusal("[http\n");
    assert!(
        said.contains("kith.toml is no TOML") && said.contains("line 1"),
        "{said}"
    );
}

#[test]
fn the_example_is_not_stale() {
    let committed = include_str!("../../../../kith.example.toml");
    assert!(
        committed == example(),
        "kith.example.toml is stale: run `make example`"
    );
}

#[test]
fn the_example_says_the_defaults_and_changes_nothing() {
    let as_it_is = Config::load(Some(&file(&example()).path), [], &[]).unwrap();
    assert_eq!(as_it_is, Config::default());

    let in_force: String = example()
        .lines()
        // These two have no default and show what a value looks like.
        .filter(|line| !line.starts_with("#public_url") && !line.starts_with("#token_file"))
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let config = Config::load(Some(&file(&in_force).path), [], &[]).unwrap();
    assert_eq!(config, Config::default());
    assert!(in_force.contains("\nlisten = \"127.0.0.1:8080\"\n"));
}

#[test]
fn every_key_is_explained() {
    for line in reference().lines().filter(|line| line.starts_with("| `")) {
        let meaning = line.rsplit(" | ").next().unwrap();
        assert!(meaning.len() > 8, "{line}");
    }
}

proptest! {
    #[test]
    fn nothing_that_a_file_can_say_makes_it_panic(text in "\\PC{0,80}", key in "[a-z_.]{1,24}", value in "\\PC{0,16}") {
        let _ = Config::load(Some(&file(&text).path), [], &[flag(&key, &value)]);
        let _ = Config::load(None, [(format!("KITH_{}", key.to_uppercase()), value)], &[]);
    }
}
