//! What the fakes share of HTTP/1.1: a listening side that can also close a connection instead of answering, and single requests.

use std::io;

use axum::{
    Router,
    body::{Body, to_bytes},
    response::Response,
};
use hyper::{
    Request, Uri, header,
    service::{Service as _, service_fn},
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

/// Bytes that an answer to a single request may have.
const ANSWER: usize = 1 << 20;

/// Marks an answer that must not be sent: the connection is closed instead.
#[derive(Clone)]
struct Cut;

/// What stands for an answer when the connection is to be closed without one.
pub(super) fn cut() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Cut);
    response
}

/// Serves until the runtime ends. While `is_down`, new connections are closed at once.
pub(super) async fn serve(listener: TcpListener, router: Router, is_down: impl Fn() -> bool) {
    let service = TowerToHyperService::new(router);
    while let Ok((stream, _)) = listener.accept().await {
        if is_down() {
            continue; // dropped: closed
        }
        let service = service.clone();
        let answer = service_fn(move |request| {
            let answer = service.call(request);
            async move {
                let answer = answer.await.map_err(io::Error::other)?;
                if answer.extensions().get::<Cut>().is_some() {
                    return Err(io::Error::other("cut, as the test wants it"));
                }
                Ok(answer)
            }
        });
        let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).with_upgrades();
        tokio::spawn(connection);
    }
}

/// One request on a connection of its own; its status, and its body as JSON (as a string, when it is none).
pub(super) async fn post(
    url: &str,
    headers: &[(&'static str, String)],
    body: Vec<u8>,
) -> Result<(u16, Option<Value>), Box<dyn std::error::Error + Send + Sync>> {
    let uri: Uri = url.parse()?;
    let authority = uri.authority().ok_or("no host")?.to_string();
    let stream = TcpStream::connect(&authority).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", |p| p.as_str());
    let mut request = Request::post(path).header(header::HOST, &authority);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let answer = sender.send_request(request.body(Body::from(body))?).await?;
    let status = answer.status().as_u16();
    let bytes = to_bytes(Body::new(answer.into_body()), ANSWER).await?;
    connection.abort();
    let text = String::from_utf8_lossy(&bytes);
    let body = serde_json::from_str(&text).ok().or_else(|| (!text.is_empty()).then(|| json!(text)));
    Ok((status, body))
}
