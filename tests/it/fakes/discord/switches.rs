//! What a test can do to the gateway, and wait for: connections that break, sessions that are forgotten, heartbeats without an answer.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Discord,
    gateway::{Frame, INVALID, RECONNECT},
};

impl Discord {
    /// An event for every session, once there is one.
    pub(super) async fn dispatch_when_connected(&self, name: &str, mut data: Value) {
        self.until("a session on the gateway", |state| !state.sessions.all.is_empty()).await;
        let mut state = self.state();
        let sessions = &mut state.sessions;
        for field in &sessions.lacking {
            data.as_object_mut().unwrap().remove(field);
        }
        sessions.dispatch(name, &data);
        if sessions.twice > 0 {
            sessions.twice -= 1;
            sessions.dispatch(name, &data);
        }
        if sessions.drop_on_delivery > 0 {
            sessions.drop_on_delivery -= 1;
            sessions.links.values().for_each(|out| drop(out.send(Frame::Cut)));
        }
    }

    /// Any event.
    pub(crate) async fn event(&self, name: &str, data: Value) {
        self.dispatch_when_connected(name, data).await;
    }

    /// Waits until so many sessions have a connection, or more.
    pub(crate) async fn connected(&self, count: usize) {
        self.until(&format!("{count} connections"), |state| state.sessions.connected() >= count).await;
    }

    /// Waits until sessions were begun so often, or more.
    pub(crate) async fn identified(&self, count: usize) {
        self.until(&format!("{count} times identified"), |state| state.sessions.identified >= count).await;
    }

    /// Waits until sessions were resumed so often, or more.
    pub(crate) async fn resumed(&self, count: usize) {
        self.until(&format!("{count} times resumed"), |state| state.sessions.resumed >= count).await;
    }

    /// Waits until so many heartbeats came, or more.
    pub(crate) async fn beaten(&self, count: usize) {
        self.until(&format!("{count} heartbeats"), |state| state.sessions.beats >= count).await;
    }

    /// Sessions with a connection; how often one was begun; how often one was resumed.
    pub(crate) fn sessions(&self) -> (usize, usize, usize) {
        let sessions = &self.state().sessions;
        (sessions.connected(), sessions.identified, sessions.resumed)
    }

    /// Every connection breaks, without a word. Sessions can be resumed.
    pub(crate) fn drop_connections(&self) {
        self.state().sessions.links.clear();
    }

    /// Discord forgets every session: what happens until the next one is begun is lost, and none can be resumed.
    pub(crate) fn forget_sessions(&self) {
        self.state().sessions.all.clear();
    }

    /// Every connection is closed with this code (4000, 4004, 4009, ..).
    pub(crate) fn close_connections(&self, code: u16) {
        let mut state = self.state();
        state.sessions.links.values().for_each(|out| drop(out.send(Frame::Close(code))));
        state.sessions.links.clear();
    }

    /// Asks every connection to come back (op 7).
    pub(crate) fn ask_to_reconnect(&self) {
        let text = json!({"op": RECONNECT, "t": null, "s": null, "d": null}).to_string();
        self.state().sessions.links.values().for_each(|out| drop(out.send(Frame::Text(text.clone()))));
    }

    /// Says that every session is not valid any more (op 9); whether it can be resumed all the same.
    pub(crate) fn invalidate_sessions(&self, resumable: bool) {
        let text = json!({"op": INVALID, "t": null, "s": null, "d": resumable}).to_string();
        self.state().sessions.links.values().for_each(|out| drop(out.send(Frame::Text(text.clone()))));
        if !resumable {
            self.forget_sessions();
        }
    }

    /// How often clients of later connections have to say that they are there.
    pub(crate) fn heartbeat_every(&self, every: Duration) -> &Self {
        self.state().sessions.heartbeat = every;
        self
    }

    /// Whether heartbeats are acknowledged.
    pub(crate) fn acknowledge_heartbeats(&self, on: bool) -> &Self {
        self.state().sessions.acknowledges = on;
        self
    }

    /// Interactions lack these fields from now on, when they come down the gateway.
    pub(crate) fn leave_out(&self, fields: &[&str]) -> &Self {
        self.state().sessions.lacking = fields.iter().map(|&f| f.to_owned()).collect();
        self
    }

    /// The next `count` events are delivered twice.
    pub(crate) fn deliver_twice(&self, count: usize) -> &Self {
        self.state().sessions.twice = count;
        self
    }

    /// All connections break right after each of the next `count` events was sent.
    pub(crate) fn drop_on_delivery(&self, count: usize) -> &Self {
        self.state().sessions.drop_on_delivery = count;
        self
    }
}
