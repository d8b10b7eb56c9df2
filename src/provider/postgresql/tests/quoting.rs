//! Names and texts in SQL are read as just what they are, by the servers themselves.

use proptest::{collection::vec, prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::super::quote::{Ident, Literal, Texts, Value, Word, shown};

/// The first row of the last statement: the names of its columns, and what they hold.
async fn asked(client: &Client, sql: &str) -> Vec<(String, String)> {
    let answer = client.simple_query(sql).await.unwrap_or_else(|error| panic!("{error:?} in {sql:?}"));
    let row = answer.iter().rev().find_map(|message| if let SimpleQueryMessage::Row(row) = message { Some(row) } else { None }).unwrap();
    row.columns().iter().enumerate().map(|(n, column)| (column.name().to_owned(), row.get(n).unwrap_or("NULL").to_owned())).collect()
}

/// As long as a server keeps whole: characters that matter to somebody more often than others.
fn names() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        Just("'".to_owned()),
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just("$$".to_owned()),
        Just("--".to_owned()),
        Just("/*".to_owned()),
        Just(";".to_owned()),
        Just("\n".to_owned()),
        Just(" E'".to_owned()),
        "[a-zA-Z0-9 %{},]{1,4}",
        "[^\u{0}]{1,3}",
    ];
    vec(pieces, 1..12).prop_map(|pieces| pieces.concat().replace('\0', "")).prop_filter("a name", |name| !name.is_empty())
}

fn cut(name: &str) -> String {
    let end = (0..=name.len().min(63)).rev().find(|end| name.is_char_boundary(*end)).unwrap();
    name[..end].to_owned()
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_name_is_a_name_and_a_text_a_text_on_a_real_server() {
    for variable in ["HALLPASS_TEST_PROVIDER_POSTGRES_15", "HALLPASS_TEST_PROVIDER_POSTGRES_18"] {
        let url = std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: run scripts/test"));
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(async move { drop(connection.await) });
        let mut runner = TestRunner::default();
        for number in 0..600 {
            let (name, other) = (names().new_tree(&mut runner).unwrap().current(), names().new_tree(&mut runner).unwrap().current());
            let strict = if number % 2 == 0 { "on" } else { "off" };
            client.simple_query(&format!("SET standard_conforming_strings = {strict}; SET backslash_quote = on")).await.unwrap();
            let short = cut(&name);
            let texts = [name.clone(), other.clone()];
            let row =
                asked(&client, &format!("SELECT {} AS {}, {}, ({})[2]", Literal(&name), Ident(&short), Literal(&other), Texts(&texts)))
                    .await;
            assert_eq!(row[0], (short, name.clone()));
            assert_eq!((&row[1].1, &row[2].1), (&other, &other));
        }
    }
}

proptest! {
    /// A shell is asked, as people will.
    #[test]
    fn a_word_for_a_shell_is_one_word(words in vec("[^\u{0}]{0,12}|[$`'\"!\\\\ ]{0,6}", 1..8)) {
        let line = words.iter().map(|word| Word(word).to_string()).collect::<Vec<_>>().join(" ");
        let printed = std::process::Command::new("sh").arg("-c").arg(format!("printf '%s\\0' {line}")).output().unwrap();
        let printed = String::from_utf8(printed.stdout).unwrap();
        prop_assert_eq!(printed.split('\0').take(words.len()).collect::<Vec<_>>(), words);
    }

    #[test]
    fn a_value_for_libpq_is_one_value(value in "[^\u{0}]{0,20}") {
        let config: tokio_postgres::Config = format!("user={} dbname=x", Value(&value)).parse().unwrap();
        prop_assert_eq!(config.get_user().unwrap(), value);
        prop_assert_eq!(config.get_dbname(), Some("x"));
    }

    #[test]
    fn what_is_shown_of_a_name_is_one_short_line(name in ".{0,200}") {
        let shown = shown(&name);
        prop_assert!(shown.chars().count() <= 82 && !shown.chars().any(char::is_control));
    }
}
