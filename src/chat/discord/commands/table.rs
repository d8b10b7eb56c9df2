//! All that is typed behind `/jit` in Discord: the subcommands, the groups that some stand in, and their options. A table and
//! nothing else.

use serde_json::{Value, json};

/// Types of options.
const TEXT: u8 = 3;
const USER: u8 = 6;

/// An option: its name, what it is, and how it is filled in.
pub(super) struct Field {
    pub name: &'static str,
    about: &'static str,
    kind: u8,
    required: bool,
    /// It is looked up while it is typed.
    looked_up: bool,
    choices: &'static [&'static str],
}

impl Field {
    const fn text(name: &'static str, about: &'static str) -> Self {
        Self { name, about, kind: TEXT, required: false, looked_up: false, choices: &[] }
    }

    const fn user(name: &'static str, about: &'static str) -> Self {
        Self { kind: USER, ..Self::text(name, about) }
    }

    const fn looked_up(self) -> Self {
        Self { looked_up: true, ..self }
    }

    const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    const fn one_of(self, choices: &'static [&'static str]) -> Self {
        Self { choices, ..self }
    }

    pub(super) fn listed(&self) -> Value {
        let mut field = json!({ "type": self.kind, "name": self.name, "description": self.about });
        if self.required {
            field["required"] = json!(true);
        }
        if self.looked_up {
            field["autocomplete"] = json!(true);
        }
        if !self.choices.is_empty() {
            field["choices"] = self.choices.iter().map(|choice| json!({ "name": choice, "value": choice })).collect();
        }
        field
    }
}

/// A subcommand with its options, those that are needed first.
pub(super) type Subcommand = (&'static str, &'static str, &'static [Field]);

const ID: Field = Field::text("id", "Which request, such as R-7K3QD2").looked_up().required();
const RESOURCE: Field = Field::text("resource", "What it is about").looked_up();
const ROLE: Field = Field::text("role", "As what").looked_up();
const LENGTH: Field = Field::text("length", "How long: 30m, 1h30m, 2d or until 18:00").looked_up();
const WHY: Field = Field::text("why", "Why; the others read it");
const SINCE: Field = Field::text("since", "How far back: 7d, yesterday, 2026-11-20. Empty: 30 days").looked_up();
const PAGE: Field = Field::text("page", "Which page, where there are several");
const COMMENT: Field = Field::text("comment", "A word about it");

/// Subcommands that stand by themselves. With the groups there may be twenty-five.
pub(super) const SUBCOMMANDS: [Subcommand; 23] = [
    (
        "request",
        "Ask for access; without options a form opens",
        &[
            Field::text("resource", "What you need").looked_up(),
            ROLE,
            LENGTH,
            Field::text("reason", "Why: what you will do with it"),
            Field::text("ticket", "A ticket, such as OPS-4512"),
            Field::text("at", "When it begins: 22:00, tomorrow 09:30. Empty: at once"),
            Field::user("for", "For somebody else, where the rule allows it"),
        ],
    ),
    ("mine", "What you hold, wait for, and what closed lately", &[]),
    ("inbox", "What waits for your decision", &[]),
    ("show", "One request, as its card has it", &[ID]),
    ("cancel", "Call off what you asked for", &[ID, WHY]),
    ("return", "Give access back before its end", &[ID]),
    ("credential", "Show the credential of what you hold, once and to you alone", &[ID]),
    ("extend", "More time, while it works", &[ID, LENGTH, WHY]),
    (
        "revoke",
        "Take access away now: one grant, or all that a person holds",
        &[
            WHY.required(),
            Field::text("id", "Which request, such as R-7K3QD2").looked_up(),
            Field::user("person", "Everything of theirs that you may end"),
        ],
    ),
    ("approve", "Your vote for it", &[ID, COMMENT]),
    ("deny", "End the ask; the asker reads why", &[ID, WHY.required()]),
    ("takeback", "Take your vote back, until the grant starts", &[ID]),
    ("offer", "Offer less: a lower role, a shorter time, or both", &[ID, LENGTH, ROLE, COMMENT]),
    ("accept", "Take the offer: it becomes what you ask for", &[ID]),
    ("decline", "Decline the offer; what you asked for stands", &[ID]),
    ("looking", "Tell the others that you are on it", &[ID]),
    ("pass", "Ask one more of those who may decide it", &[ID, Field::user("person", "Whom to ask").required()]),
    ("resources", "What you may ask for", &[]),
    (
        "explain",
        "How an ask would go; nobody is asked",
        &[RESOURCE.required(), ROLE, LENGTH, Field::user("person", "Asked by whom. Empty: you")],
    ),
    ("link", "Join your account in another chat to you", &[Field::text("code", "The code from the other chat. Empty: make one")]),
    ("quiet", "Turn your direct messages down, or up again", &[Field::text("to", "Empty: how they are").one_of(&["on", "off"])]),
    ("key", "Keep your OpenSSH public key", &[Field::text("public_key", "ssh-ed25519 AAAA…; never a private key").required()]),
    ("help", "All commands, or one of them", &[Field::text("topic", "The command").looked_up()]),
];

/// Subcommands that stand in a group: the group, what it is for, and them.
pub(super) const GROUPS: [(&str, &str, &[Subcommand]); 2] = [
    (
        "see",
        "Who has and had access, and how it went; looking at others is recorded",
        &[
            (
                "who",
                "Who has access to it through here, now or at a moment that has been",
                &[
                    RESOURCE.required(),
                    Field::text("at", "When: 14:05, yesterday 14:05, 2026-11-20 14:05:30. Empty: now").looked_up(),
                    PAGE,
                ],
            ),
            (
                "find",
                "What somebody asked for, held and decided, newest first",
                &[
                    Field::user("person", "Whose. Empty, and without a name: yours"),
                    Field::text("name", "By their id here, for somebody who is not in this server: ana"),
                    SINCE,
                    PAGE,
                ],
            ),
            ("stats", "How many asks, how fast they were answered, and what came of them", &[RESOURCE, SINCE]),
            ("digest", "The digest of a day", &[Field::text("day", "yesterday or 2026-11-20. Empty: since the last one").looked_up()]),
        ],
    ),
    (
        "admin",
        "For administrators",
        &[
            ("settle", "Close what can never be read back, because its target is gone", &[ID, WHY.required()]),
            (
                "unlink",
                "Part an account in another chat from a person",
                &[
                    Field::user("person", "From whom").required(),
                    Field::text("chat", "Their account there").one_of(&["slack", "discord", "console"]).required(),
                ],
            ),
            ("clock", "How the clock stands; after a jump, that it is right", &[Field::text("to", "After a jump").one_of(&["confirm"])]),
        ],
    ),
];

/// Every subcommand, in a group or by itself.
pub(super) fn every() -> impl Iterator<Item = &'static Subcommand> {
    SUBCOMMANDS.iter().chain(GROUPS.iter().flat_map(|(_, _, subcommands)| *subcommands))
}
