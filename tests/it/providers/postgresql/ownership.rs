//! Whose it is: what others gave stays, what is ours goes, also when somebody renamed it.

use hallpass::{
    domain::entitlement::Ownership,
    provider::{FaultKind, Seen},
};

use super::{BOTH, Cluster, Form, Version, fetched, gets_in, granted, holders, is_absent, login_of, ordered, revoked, writes};

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn from_16_on_a_membership_of_ours_goes_and_the_one_beside_it_stays() {
    let cluster = Cluster::on(&Version::V18.shared()).await;
    let (provider, mut fixture) = (cluster.provider(None).await, cluster.fixture(Form::Membership));
    fixture.person = cluster.person("zoe");
    let order = ordered(provider.as_ref(), &fixture, "beside").await;
    assert_eq!(provider.describe_for(&order.target).ownership, Ownership::Ours);
    let before = super::lines(&cluster).await;
    assert!(is_absent(provider.as_ref(), &order, None).await, "what somebody else gave is not ours");
    let done = granted(provider.as_ref(), &order, fixture.until).await;
    let Seen::Present { detail, .. } = provider.observe(&order, done.handle.as_ref()).await.unwrap() else { panic!("it is there") };
    assert!(detail.unwrap().contains("somebody else"));
    let all = holders(provider.as_ref(), &order.target).await;
    let zoes: Vec<_> = all.iter().filter(|holder| holder.principal == order.principal).map(|holder| holder.ours).collect();
    assert_eq!(zoes, [false, true], "both are listed, and which is ours");
    let zoe = super::Session::open(&cluster.own("zoe")).await.unwrap();
    let ended = revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap();
    assert_eq!(ended.sessions_closed, Some(0), "she has the role all the same");
    assert!(zoe.is_open().await);
    assert!(writes(&cluster.own("zoe")).await.unwrap());
    assert_eq!(super::lines(&cluster).await, before);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn up_to_15_a_membership_that_somebody_else_gave_is_seen_and_never_taken() {
    let cluster = Cluster::on(&Version::V15.shared()).await;
    let (provider, mut fixture) = (cluster.provider(None).await, cluster.fixture(Form::Membership));
    fixture.person = cluster.person("zoe");
    let order = ordered(provider.as_ref(), &fixture, "one").await;
    assert_eq!(provider.describe_for(&order.target).ownership, Ownership::Shared);
    assert!(!is_absent(provider.as_ref(), &order, None).await, "the core must see what was there before");
    let before = super::lines(&cluster).await;
    let refused = revoked(provider.as_ref(), &order, None).await.unwrap_err();
    assert_eq!(refused.kind, FaultKind::Unmanaged);
    assert_eq!(super::lines(&cluster).await, before);
    assert!(writes(&cluster.own("zoe")).await.unwrap());
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_login_of_the_same_name_that_does_not_say_it_is_ours_is_not_touched_and_not_overlooked() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Login));
        let order = ordered(provider.as_ref(), &fixture, "same").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let login = login_of(&done);
        let admin = cluster.admin().await;
        admin.does(&format!("COMMENT ON ROLE {login} IS 'mine'")).await.unwrap();
        let before = super::lines(&cluster).await;
        let left = provider.describe().deadline.std();
        assert_eq!(provider.grant(&order, None, fixture.until, left).await.unwrap_err().kind, FaultKind::Unmanaged);
        assert_eq!(revoked(provider.as_ref(), &order, None).await.unwrap_err().kind, FaultKind::Unmanaged);
        assert!(provider.credential(&order, None).await.is_err());
        assert!(!is_absent(provider.as_ref(), &order, None).await, "it may be ours: nobody may say that it is gone");
        assert_eq!(super::lines(&cluster).await, before);
        // Its name and the number that was noted when it was made are together as good as the comment.
        revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap();
        assert!(is_absent(provider.as_ref(), &order, done.handle.as_ref()).await);
        assert_eq!(admin.asks(&format!("SELECT count(*) FROM pg_roles WHERE rolname = '{login}'")).await, "0");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_login_that_was_renamed_ends_all_the_same() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Login));
        let order = ordered(provider.as_ref(), &fixture, "renamed").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let new = cluster.named("hidden");
        let mut config = fetched(&cluster, provider.as_ref(), &order, done.handle.as_ref()).await.unwrap();
        cluster.admin().await.does(&format!("ALTER ROLE {} RENAME TO {new}", login_of(&done))).await.unwrap();
        config.user(&new);
        assert!(gets_in(&config).await, "a SCRAM password survives a new name");
        assert!(!is_absent(provider.as_ref(), &order, None).await);
        assert!(
            holders(provider.as_ref(), &order.target).await.iter().any(|h| h.principal == new && h.grant.as_ref() == Some(&order.grant))
        );
        revoked(provider.as_ref(), &order, None).await.unwrap();
        assert!(!gets_in(&config).await);
        assert!(is_absent(provider.as_ref(), &order, done.handle.as_ref()).await);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn what_by_hand_says_takes_it_away() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let provider = cluster.provider(None).await;
        let admin = cluster.admin().await;
        let member = cluster.fixture(Form::Membership);
        let order = ordered(provider.as_ref(), &member, "hand").await;
        granted(provider.as_ref(), &order, member.until).await;
        let mut session = super::Session::open(&cluster.own("ana")).await.unwrap();
        for statement in order.by_hand.split_inclusive(';') {
            admin.does(statement).await.unwrap();
        }
        assert!(is_absent(provider.as_ref(), &order, None).await && session.was_ended().await);

        let login = cluster.fixture(Form::Login);
        let order = ordered(provider.as_ref(), &login, "hand").await;
        let done = granted(provider.as_ref(), &order, login.until).await;
        let config = fetched(&cluster, provider.as_ref(), &order, done.handle.as_ref()).await.unwrap();
        let mut session = super::Session::open(&config).await.unwrap();
        let question = order.by_hand.strip_prefix("in psql: ").unwrap().strip_suffix(" \\gexec").unwrap();
        // As \gexec does: every column of every row is run.
        let all = format!("SELECT unnest(ARRAY[a, b, c]) FROM ({question}) AS all_of_it(a, b, c)");
        let statements = admin.reads(&all).await.unwrap();
        assert_eq!(statements.len(), 3, "{statements:?}");
        for statement in statements {
            admin.does(&statement).await.unwrap();
        }
        assert!(session.was_ended().await && !gets_in(&config).await);
        assert!(is_absent(provider.as_ref(), &order, done.handle.as_ref()).await);
        revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap();
    }
}

/// After a cluster was restored, numbers mean other roles.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_role_that_has_only_the_number_of_ours_is_never_touched() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture, admin) = (cluster.provider(None).await, cluster.fixture(Form::Login), cluster.admin().await);
        let order = ordered(provider.as_ref(), &fixture, "number").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let ben = admin.asks(&format!("SELECT oid FROM pg_roles WHERE rolname = '{}'", cluster.named("ben"))).await;
        let mut restored = done.handle.clone().unwrap();
        restored.0["oid"] = ben.parse::<u32>().unwrap().into();
        let theirs = super::Session::open(&cluster.own("ben")).await.unwrap();
        assert_eq!(revoked(provider.as_ref(), &order, Some(&restored)).await.unwrap().residue, [""; 0]);
        assert_eq!(cluster.generated().await, [""; 0], "ours went, by what its comment says");
        assert!(theirs.is_open().await && gets_in(&cluster.own("ben")).await);
        // Nothing says any more that anything is ours: a person has to look.
        assert_eq!(revoked(provider.as_ref(), &order, Some(&restored)).await.unwrap_err().kind, FaultKind::Unmanaged);
        assert!(!is_absent(provider.as_ref(), &order, Some(&restored)).await);
        assert!(theirs.is_open().await && gets_in(&cluster.own("ben")).await);
    }
}
