//! Who is in a role, for drift; and which sessions are open, for evidence. Reads only.

use serde_json::{Value, json};

use super::{
    super::{Fault, FaultKind, Holder, Sighting},
    link::{Deadline, Link},
    names,
    quote::{Texts, shown},
    rows::{Row, senseless},
    settings::{Form, Target},
    sql,
};
use crate::domain::{entitlement::Order, time::Instant};

/// Everybody who has the role, by itself or through other roles; of these the nearest is said. A login of a grant's own says whose it
/// is; of a membership that the bot gave, the server says so. The bot, which may give the role, does not hold it.
pub(super) async fn holders(link: &Link, target: &Target, deadline: Deadline) -> Result<Vec<Holder>, Fault> {
    let (_, answer) = link.ask(deadline, |version| question(target, version)).await?;
    if answer.row(0)?.get(0)?.is_none() {
        return Err(Fault::new(FaultKind::NoSuchTarget, "the database server has no such role"));
    }
    let mut holders: Vec<Holder> = answer.rows(1)?.iter().map(holder).collect::<Result<_, _>>()?;
    holders.dedup();
    Ok(holders)
}

/// What targets have in common that have the same members.
pub(super) fn held_part(role: &str) -> Value {
    json!({ "role": role })
}

fn holder(row: &Row) -> Result<Holder, Fault> {
    let comment = row.get(1)?.map(|_| row.name(1)).transpose()?.unwrap_or_default();
    let grant = names::grant(&comment);
    let through = row.get(3)?.map(|_| row.name(3)).transpose()?.map(|role| held_part(&role));
    Ok(Holder { principal: row.name(0)?, ours: grant.is_some() || row.flag(2)?, grant, through })
}

/// From 16 on a membership may be one that gives nothing, such as the bot's own. Who cannot log in is named if the role was given
/// to it itself, and otherwise stands only for those whom it lets in.
fn question(target: &Target, version: u32) -> String {
    let gives = if version >= 16 { "(m.inherit_option OR m.set_option)" } else { "true" };
    format!(
        "SELECT {role}; \
         WITH RECURSIVE bot AS (SELECT b.oid FROM pg_catalog.pg_roles b WHERE b.rolname = current_user), \
         held(member, ours, through) AS ( \
           SELECT m.member, m.grantor IN (SELECT oid FROM bot), NULL::pg_catalog.oid FROM pg_catalog.pg_auth_members m \
           WHERE m.roleid = {role} AND {gives} AND m.member NOT IN (SELECT oid FROM bot) \
           UNION SELECT m.member, false, m.roleid FROM held h JOIN pg_catalog.pg_auth_members m ON m.roleid = h.member \
           WHERE {gives} AND m.member NOT IN (SELECT oid FROM bot)) \
         SELECT DISTINCT {name}, {comment}, h.ours, {through} FROM held h JOIN pg_catalog.pg_roles r ON r.oid = h.member \
         LEFT JOIN pg_catalog.pg_roles t ON t.oid = h.through \
         LEFT JOIN pg_catalog.pg_shdescription d ON d.objoid = r.oid AND d.classoid = 'pg_catalog.pg_authid'::pg_catalog.regclass \
         WHERE h.through IS NULL OR r.rolcanlogin ORDER BY 1, 3",
        role = sql::oid_of(&target.role),
        name = sql::name("r.rolname"),
        comment = sql::words("d.description"),
        through = sql::name("t.rolname"),
    )
}

/// The open sessions of each order's login, in one question. Of a person's own login nobody sees which are in the role.
pub(super) async fn sightings(link: &Link, orders: &[(Target, &Order)], deadline: Deadline) -> Result<Vec<Vec<Sighting>>, Fault> {
    let logins: Vec<String> = orders.iter().map(|(target, order)| login(target, order)).collect();
    let question = format!(
        "SELECT {}, a.pid, {}, pg_catalog.host(a.client_addr), {} FROM pg_catalog.pg_stat_activity a \
         WHERE a.usename::pg_catalog.text = ANY ({}) AND a.leader_pid IS NULL ORDER BY a.pid",
        sql::name("a.usename"),
        sql::micros("a.backend_start"),
        sql::words("a.application_name"),
        Texts(&logins),
    );
    let (_, answer) = link.ask(deadline, |_| question.clone()).await?;
    let open: Vec<(String, Sighting)> = answer.rows(0)?.iter().map(sighting).collect::<Result<_, _>>()?;
    let of = |login: &String| open.iter().filter(|(whose, _)| whose == login).map(|(_, seen)| seen.clone()).collect();
    Ok(logins.iter().map(of).collect())
}

fn login(target: &Target, order: &Order) -> String {
    match target.form {
        Form::Login => names::login(&order.grant),
        Form::Membership => order.principal.clone(),
    }
}

/// By the server's clock: whoever asked knows how ours differs.
fn sighting(row: &Row) -> Result<(String, Sighting), Fault> {
    let pid: i32 = row.number(1)?;
    // Without the right to see it the server leaves it out.
    let hidden = || Fault::new(FaultKind::Denied, "the bot's own login may not see other people's sessions: it lacks pg_read_all_stats");
    let began: i64 = row.get(2)?.ok_or_else(hidden)?.parse().map_err(|_| senseless())?;
    let about = row.get(4)?.map(|_| row.name(4)).transpose()?.filter(|about| !about.is_empty());
    let sighting = Sighting {
        session: format!("{pid}@{began}"),
        since: Instant::from_micros(began),
        from: row.get(3)?.map(str::to_owned),
        about: about.map(|about| shown(&about)),
    };
    Ok((row.name(0)?, sighting))
}
