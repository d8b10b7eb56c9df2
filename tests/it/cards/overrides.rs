//! Templates that a team changed: used where they can be, refused where people could not act with them, never a lost message.

use hallpass::chat::render::{TemplateError, Templates};

use super::sample::{Story, drawn, texts};

/// A folder with an override of one file of the console's.
fn with(file: &str, change: impl FnOnce(String) -> String) -> (tempfile::TempDir, Result<Templates, TemplateError>) {
    let folder = tempfile::tempdir().unwrap();
    let ours = std::fs::read_to_string(format!("{}/templates/console/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    std::fs::create_dir(folder.path().join("console")).unwrap();
    std::fs::write(folder.path().join("console").join(file), change(ours)).unwrap();
    let loaded = Templates::load(Some(folder.path()));
    (folder, loaded)
}

#[test]
fn every_template_renders_its_worst_case() {
    assert_eq!(Templates::load(None).unwrap().check(), Vec::<String>::new());
}

#[tokio::test]
async fn an_override_says_it_in_other_words() {
    let (_folder, templates) = with("card.hbs", |text| text.replace("Why    ", "Reason "));
    let card = drawn(&Story::asked().card(&templates.unwrap(), &texts())).await;
    assert!(card.contains("Reason \"Unblock the stuck import\""), "{card}");
}

#[test]
fn an_override_without_a_button_is_refused() {
    let (_folder, templates) = with("card.hbs", |text| text.replace("\nApprove\n", "\n\n"));
    assert!(matches!(templates, Err(TemplateError::Action { action, .. }) if action == "approve"));
}

#[test]
fn an_override_without_a_section_is_refused() {
    let (_folder, templates) = with("reply.hbs", |text| text.replace("== reply/ended ==", "== reply/finished =="));
    assert!(matches!(templates, Err(TemplateError::Missing { section, .. }) if section == "reply/ended"));
}

#[test]
fn a_section_that_stands_there_twice_is_refused() {
    let (_folder, templates) = with("help.hbs", |text| format!("{text}{{{{!-- == help/mine == --}}}}\nTwice\n"));
    assert!(matches!(templates, Err(TemplateError::Repeated { section, .. }) if section == "help/mine"));
}

#[test]
fn an_override_that_would_let_text_through_unescaped_is_refused() {
    for raw in ["{{{first_line}}}", "{{& first_line}}", "{{~&first_line}}"] {
        let (_folder, templates) = with("card.hbs", |text| text.replace("\n{{first_line}}\n", &format!("\n{raw}\n")));
        assert!(matches!(templates, Err(TemplateError::Raw { .. })), "{raw}");
    }
}

#[tokio::test]
async fn an_override_that_fails_to_render_gives_way_to_ours_and_is_told_once() {
    let (_folder, templates) = with("card.hbs", |text| text.replace("\n{{first_line}}\n", "\n{{nothing.of.this.name}}\n"));
    let templates = templates.unwrap();
    let card = drawn(&Story::asked().card(&templates, &texts())).await;
    assert!(card.starts_with("Ana Reyes asks for write on prod-db"), "{card}");
    assert!(templates.take_troubles()[0].starts_with("override of card:"));
    assert_eq!(templates.take_troubles(), Vec::<String>::new());
}
