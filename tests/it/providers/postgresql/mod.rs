//! Rules of the adapter `postgresql` on real servers of both versions: whose it is, what is left behind, names that are meant
//! ill, who holds a role, what the bot may. The conformance suite and the failing network are in `crate::postgresql`.

mod authority;
mod beginning;
mod blocking;
mod hostile;
mod limits;
mod onward;
mod ownership;
mod people;
mod residue;
mod rights;
mod seen;
mod traps;

use hallpass::{
    domain::entitlement::{Handle, Order},
    provider::{Done, Fault, Holder, Provider, Seen, Step},
};
use serde_json::Value;

pub(super) use crate::postgresql::{
    access::{fetched, granted, handed, ordered, writes},
    client::{Session, gets_in, until},
    cluster::{Cluster, Form},
    server::{BOTH, Server, Version},
};

/// Takes it away, as the core would with all the time that there is.
async fn revoked(provider: &dyn Provider, order: &Order, handle: Option<&Handle>) -> Result<Done, Fault> {
    match provider.revoke(order, handle, provider.describe().deadline.std()).await? {
        Step::Done(done) => Ok(done),
        Step::Wait { .. } => panic!("a server answers when it is done"),
    }
}

async fn is_absent(provider: &dyn Provider, order: &Order, handle: Option<&Handle>) -> bool {
    provider.observe(order, handle).await.unwrap() == Seen::Absent
}

async fn holders(provider: &dyn Provider, target: &Value) -> Vec<Holder> {
    provider.holders(target).await.unwrap()
}

/// The login that this handle speaks of.
fn login_of(done: &Done) -> String {
    done.handle.as_ref().unwrap().0["login"].as_str().unwrap().to_owned()
}

async fn lines(cluster: &Cluster) -> Vec<String> {
    cluster.named_lines().await
}
