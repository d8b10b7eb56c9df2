//! Whether somebody really has what they were given: they log in and write, or the server refuses them.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use hallpass::{
    domain::{
        entitlement::{Handle, Order},
        time::Instant,
    },
    provider::{
        Done, Fault, Provider, Step,
        conformance::{Access, Fixture},
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;
use tokio_postgres::{Config, error::SqlState};

use super::{
    client::Session,
    cluster::{Cluster, Form},
};

/// What the role allows and nobody else may do.
pub(crate) const WRITE: &str = "INSERT INTO shop.items VALUES (1)";

/// Tries as the person: with a fresh credential, with those that were handed out before, or with their own login.
pub(crate) struct Tries<'a> {
    cluster: &'a Cluster,
    provider: Arc<dyn Provider>,
    form: Form,
    /// The newest way in of each grant.
    handed: Mutex<BTreeMap<String, Config>>,
}

impl<'a> Tries<'a> {
    pub(crate) fn new(cluster: &'a Cluster, provider: Arc<dyn Provider>, form: Form) -> Self {
        Self { cluster, provider, form, handed: Mutex::default() }
    }

    /// As somebody with a generated login, who asks for a credential each time.
    async fn generated(&self, order: &Order, handle: Option<&Handle>) -> Result<bool, String> {
        let fresh = fetched(self.cluster, self.provider.as_ref(), order, handle).await;
        let before = match &fresh {
            Ok(config) => self.handed.lock().await.insert(order.grant.clone(), config.clone()),
            Err(_) => self.handed.lock().await.get(&order.grant).cloned(),
        };
        if let Some(config) = before
            && writes(&config).await?
        {
            let what = if fresh.is_ok() { "a credential from before still works" } else { "nothing is handed out, and the last one works" };
            return Err(what.to_owned());
        }
        match fresh {
            Ok(config) => writes(&config).await,
            Err(fault) if fault.kind.is_permanent() => Ok(false),
            Err(fault) => Err(fault.message),
        }
    }
}

#[async_trait]
impl Access for Tries<'_> {
    async fn can(&self, order: &Order, brought: &Done) -> Result<bool, String> {
        match self.form {
            Form::Login => self.generated(order, brought.handle.as_ref()).await,
            Form::Membership => writes(&self.cluster.own(order.person.as_str())).await,
        }
    }
}

/// A credential as its holder reads it: the login and its password, to the orders.
pub(crate) async fn fetched(cluster: &Cluster, provider: &dyn Provider, order: &Order, handle: Option<&Handle>) -> Result<Config, Fault> {
    let secret = provider.credential(order, handle).await?;
    Ok(read(cluster, &secret))
}

/// An order as the core would fix it, under a name of this run's own.
pub(crate) async fn ordered(provider: &dyn Provider, fixture: &Fixture, name: &str) -> Order {
    let resolved = provider.resolve(&fixture.person, &fixture.role).await.unwrap();
    Order {
        provider: fixture.provider.clone(),
        target: resolved.target,
        principal: resolved.principal,
        person: fixture.person.id.clone(),
        inputs: resolved.inputs,
        grant: format!("G-{name}-{}", fixture.run),
        by_hand: resolved.by_hand,
    }
}

/// Gives it.
pub(crate) async fn granted(provider: &dyn Provider, order: &Order, until: Instant) -> Done {
    match provider.grant(order, None, until, provider.describe().deadline.std()).await.unwrap() {
        Step::Done(done) => done,
        Step::Wait { .. } => panic!("a server answers when it is done"),
    }
}

/// A first credential, as a way in.
pub(crate) async fn handed(cluster: &Cluster, provider: &dyn Provider, order: &Order, done: &Done) -> Config {
    fetched(cluster, provider, order, done.handle.as_ref()).await.unwrap()
}

/// What is shown, as its holder uses it.
/// # Panics
/// When its lines do not say the same.
pub(crate) fn read(cluster: &Cluster, secret: &SecretString) -> Config {
    let line = |name: &str| secret.expose_secret().lines().find_map(|line| line.strip_prefix(name)).unwrap();
    let url: Config = line("URL: ").parse().unwrap();
    let (user, password) = (url.get_user().unwrap(), line("Password: "));
    assert_eq!(url.get_password(), Some(password.as_bytes()));
    assert!(line("psql ").contains(&format!("user={user}")) && !line("psql ").contains(password));
    assert_eq!(url.get_dbname(), Some(cluster.orders().as_str()));
    cluster.login(user, password)
}

/// Logs in and writes; false: refused, at the door or inside.
/// # Errors
/// Anything else went wrong.
pub(crate) async fn writes(config: &Config) -> Result<bool, String> {
    let done = match Session::open(config).await {
        Ok(session) => session.does(WRITE).await,
        Err(error) => Err(error),
    };
    let refused = [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION, SqlState::INSUFFICIENT_PRIVILEGE];
    match done {
        Ok(()) => Ok(true),
        Err(error) if error.code().is_some_and(|code| refused.contains(code)) => Ok(false),
        Err(error) => Err(format!("{error:?}")),
    }
}
