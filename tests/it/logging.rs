//! What never stands in a log: whatever a library says of what it sends.

use std::{
    io,
    sync::{Arc, Mutex},
};

use hallpass::cli::log::subscriber;
use tracing_subscriber::EnvFilter;

/// Keeps what is written.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(filter: &str) -> String {
    let page = Page::default();
    let writer = page.clone();
    tracing::subscriber::with_default(subscriber(EnvFilter::new(filter), move || writer.clone(), false), || {
        tracing::error!(target: "slack_morphism", "wss://example.org/link/?ticket=hunter2");
        tracing::error!(target: "slack_morphism::hyper_tokio::socket_mode", "wss://example.org/link/?ticket=hunter2");
        tracing::warn!(target: "tungstenite::handshake", "GET /link/?ticket=hunter2");
        tracing::warn!(target: "serenity::gateway::ws", "Err deserializing text: {{\"token\":\"hunter2\"}}");
        tracing::warn!(target: "h2::codec", "authorization: Bearer hunter2");
        tracing::info!(target: "hyper_rustls", "a library that says nothing of what it sends");
        tracing::info!(target: "hallpass::chat", "ours");
        let _span = tracing::error_span!(target: "slack_morphism::client", "post", token = "hunter2").entered();
        tracing::error!(target: "hallpass::chat", "inside");
    });
    String::from_utf8(page.0.lock().unwrap().clone()).unwrap()
}

#[test]
fn no_filter_makes_a_library_log_tickets_or_tokens() {
    for filter in
        ["trace", "slack_morphism=trace", "slack_morphism::hyper_tokio::socket_mode=error,tungstenite=trace,h2=trace,hallpass=info"]
    {
        let said = logged(filter);
        assert!(!said.contains("hunter2"), "{filter}: {said}");
    }
    let said = logged("trace");
    assert!(said.contains("ours") && said.contains("inside") && said.contains("a library that says nothing"), "{said}");
    assert!(logged("hallpass=warn").contains("inside") && !logged("hallpass=warn").contains("ours"));
}

/// Libraries ask whether they would be heard, and then say nothing.
#[test]
fn what_follows_a_question_of_a_library_is_logged() {
    let page = Page::default();
    let writer = page.clone();
    tracing::subscriber::with_default(subscriber(EnvFilter::new("info"), move || writer.clone(), false), || {
        for n in 0..3 {
            assert!(!tracing::enabled!(target: "sqlx::query", tracing::Level::DEBUG));
            tracing::info!(target: "hallpass::chat", "heard {n}");
        }
    });
    let said = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    assert!((0..3).all(|n| said.contains(&format!("heard {n}"))), "{said}");
}
