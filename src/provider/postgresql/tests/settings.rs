//! What bot.toml may say of a server.

use secrecy::{ExposeSecret as _, SecretString};

use super::super::{
    connect,
    settings::{Form, Settings, Target},
};

fn refused(settings: &str) -> String {
    toml::from_str::<Settings>(settings).unwrap_err().message().to_owned()
}

#[test]
fn what_could_be_read_on_the_way_or_is_no_single_server_is_refused() {
    for (settings, words) in [
        ("url = 'postgres://bot:hunter2@db/x'", "a secret never stands in the file"),
        ("url = 'postgres://bot@db/x?password=hunter2'", "a secret never stands in the file"),
        ("url = 'postgres://bot@db/x?sslmode=disable'", "a key of its own"),
        ("url = 'mysql://bot@db/x'", "postgres://user@host"),
        ("url = 'postgres://db/x'", "names no user"),
        ("url = 'postgres://bot@db'", "names no database"),
        ("url = 'postgres://bot@db1,db2/x'", "several hosts"),
        ("url = 'postgres://bot@db/x'\ntls = 'off'", "only for a loopback address"),
        ("url = 'postgres://bot@127.0.0.1.evil.example/x'\ntls = 'off'", "only for a loopback address"),
        ("url = 'postgres://bot@127.0.0.1/x'\ntls = 'off'\nca_file = '/x'", "no use"),
        ("url = 'postgres://bot@db/x'\ntls = 'require'", "unknown variant"),
        ("url = 'postgres://bot@db/x'\nconnections = 0", "1 to 64"),
        ("url = 'postgres://bot@db/x'\nhost = 'a b'", "host is a name"),
        ("url = 'postgres://bot@db/x'\nhost = '-v'", "host is a name"),
        ("url = 'postgres://bot@db/x'\nwings = 2", "unknown field"),
    ] {
        let said = refused(settings);
        assert!(said.contains(words) && !said.contains("hunter2"), "{settings}: {said}");
    }
    for fine in [
        "url = 'postgres://bot@127.0.0.1/x'\ntls = 'off'",
        "url = 'postgresql://bot@[::1]:5433/x'\ntls = 'off'",
        "url = 'postgres://bot@/x?host=/run/postgresql'\ntls = 'off'",
        "url = 'postgres://bot@db.example.org/x'\nca_file = '/x'\nhost = 'pool.example.org:6432'\nconnections = 64",
    ] {
        toml::from_str::<Settings>(fine).unwrap();
    }
}

#[test]
fn a_role_says_what_it_is_and_nothing_that_its_form_has_no_use_for() {
    let read = |text: &str| serde_json::from_str::<Target>(text);
    let target = read(r#"{ "role": "w" }"#).unwrap();
    assert_eq!((target.form, target.connections), (Form::Login, Some(5)));
    let again: Target = serde_json::from_value(serde_json::to_value(&target).unwrap()).unwrap();
    assert_eq!(again, target);
    for wrong in [
        r"{}".to_owned(),
        r#"{ "role": "" }"#.to_owned(),
        format!(r#"{{ "role": "{}" }}"#, "x".repeat(64)),
        r#"{ "role": "a\u0000" }"#.to_owned(),
        r#"{ "role": "w", "connections": 0 }"#.to_owned(),
        r#"{ "role": "w", "form": "membership", "connections": 1 }"#.to_owned(),
        r#"{ "role": "w", "form": "membership", "reassign_to": "o" }"#.to_owned(),
        r#"{ "role": "w", "grant": "all" }"#.to_owned(),
    ] {
        assert!(read(&wrong).is_err(), "{wrong}");
    }
}

fn shown(settings: &str, database: &str) -> String {
    let settings: Settings = toml::from_str(settings).unwrap();
    let password = SecretString::from("pw");
    connect::credential(&settings, database, "hp_1", &password).expose_secret().to_owned()
}

#[test]
fn a_password_is_shown_with_a_line_that_does_not_hold_it() {
    let plain = shown("url = 'postgres://bot@127.0.0.1/x'\ntls = 'off'", "orders");
    assert_eq!(
        plain,
        "psql \"host=127.0.0.1 port=5432 dbname=orders user=hp_1\"\nPassword: pw\nURL: postgresql://hp_1:pw@127.0.0.1:5432/orders"
    );
    let pooled = shown("url = 'postgres://bot@db/x'\nhost = '[2001:db8::1]:6432'", "it's `my` \"db\"");
    assert_eq!(
        pooled,
        "psql 'host=2001:db8::1 port=6432 dbname='\\''it\\'\\''s `my` \"db\"'\\'' user=hp_1 sslmode=verify-full'\nPassword: pw\n\
         URL: postgresql://hp_1:pw@[2001:db8::1]:6432/it%27s%20%60my%60%20%22db%22?sslmode=verify-full"
    );
    let direct = shown("url = 'postgres://bot@db.example.org/x'", "orders");
    assert_eq!(
        direct,
        "psql \"host=db.example.org port=5432 dbname=orders user=hp_1 sslmode=require channel_binding=require\"\nPassword: pw\n\
         URL: postgresql://hp_1:pw@db.example.org:5432/orders?sslmode=require&channel_binding=require"
    );
}
