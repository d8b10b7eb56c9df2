//! The one load generator for every door: kept connections, one request after the other on each, every one signed anew, since
//! one that was made before is refused. Must not know whose door it is.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::ensure;
use axum::body::{Body, to_bytes};
use hallpass::clock::{Clock, SystemClock};
use hyper::{Request, StatusCode, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};

use crate::raw::per_second;

/// Where a door takes requests, and how they are signed.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    pub(crate) path: &'static str,
    pub(crate) content_type: &'static str,
    /// The headers that show who made it, of the second and the body.
    pub(crate) sign: fn(&str, &str) -> anyhow::Result<Signature>,
}

/// The two headers, each with its name.
pub(crate) type Signature = [(&'static str, String); 2];

const CONNECTIONS: usize = 16;
const WARM_UP: Duration = Duration::from_secs(2);
const FOR: Duration = Duration::from_secs(5);
/// Of one connection: a door remembers a million signatures and then takes no more for a while.
const MOST: usize = 60_000;
/// An acknowledgement has no more than this to say.
const ANSWER: usize = 64 * 1024;

/// Makes the body of the next request; no two are alike.
pub(crate) type Next = dyn Fn() -> String + Send + Sync;

/// One round of a door.
pub(crate) struct Measured {
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// A kept connection to a door.
pub(crate) struct Connection(http1::SendRequest<Body>);

impl Connection {
    pub(crate) async fn open(door: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(door).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// Signs it with this second, sends it, and waits until the whole acknowledgement is there: how long that took.
    pub(crate) async fn send(&mut self, way: Way, body: String) -> anyhow::Result<Duration> {
        let stamp = (SystemClock.now().micros() / 1_000_000).to_string();
        let mut request = Request::post(way.path).header(header::HOST, "127.0.0.1").header(header::CONTENT_TYPE, way.content_type);
        for (name, value) in (way.sign)(&stamp, &body)? {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(body))?;
        let start = Instant::now();
        self.0.ready().await?;
        let answer = self.0.send_request(request).await?;
        let status = answer.status();
        let said = to_bytes(Body::new(answer.into_body()), ANSWER).await?;
        let took = start.elapsed();
        ensure!(status == StatusCode::OK, "the door answered {status}: {}", String::from_utf8_lossy(&said));
        Ok(took)
    }
}

/// Every connection sends as soon as it was answered. Counted is what came after the warm-up.
pub(crate) async fn closed_loop(door: SocketAddr, way: Way, next: Arc<Next>) -> anyhow::Result<Measured> {
    let start = Instant::now();
    let mut lanes = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let next = next.clone();
        lanes.spawn(async move {
            let (mut connection, mut took) = (Connection::open(door).await?, Vec::new());
            for _ in 0..MOST {
                if start.elapsed() >= WARM_UP + FOR {
                    break;
                }
                let is_counted = start.elapsed() >= WARM_UP;
                let time = connection.send(way, next()).await?;
                if is_counted {
                    took.push(time);
                }
            }
            anyhow::Ok(took)
        });
    }
    let mut took = Vec::new();
    while let Some(lane) = lanes.join_next().await {
        took.extend(lane??);
    }
    let per_second = per_second(i64::try_from(took.len())?, start.elapsed().saturating_sub(WARM_UP));
    Ok(Measured { per_second, p50_ms: percentile(&mut took, 50), p99_ms: percentile(&mut took, 99) })
}

/// So many percent of them took no longer than this, in milliseconds.
pub(crate) fn percentile(took: &mut [Duration], percent: usize) -> f64 {
    took.sort_unstable();
    let rank = (took.len() * percent).div_ceil(100).saturating_sub(1);
    took.get(rank).map_or(f64::NAN, |time| time.as_secs_f64() * 1_000.0)
}
