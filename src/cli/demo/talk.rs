//! `demo` without `--play`: one person at the keyboard who is everybody in turn.

use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{
    form::{Asking, Desk, Next},
    house::House,
    input::Input,
    screen::Screen,
    town,
};
use crate::chat::console::Output;

const WELCOME: &str = "Hallpass demo: one chat, and you are everybody in it.
ana and finn ask; ben and dora are host-leads; cleo and dora are security; eve is on call, administrator, and may ask for others.

/jit        asks piece by piece what you need
/jit …      a command, such as: /jit request bastion login 15m look at the disk
press 1     presses that button; one that ends in … takes words: press 3 use the replica
as ben      you type as Ben from now on
in #ops     shows another channel (#host-approvers, #ops)
look        shows the channel again, as it is now
cert        saves your newest SSH certificate, to be looked at with ssh-keygen
help        this; /jit help is about the bot
quit        ends it";

/// Types as a person until `quit`, or until there are no more lines.
pub(super) async fn talk(house: &House) -> anyhow::Result<()> {
    let mut input = Input::open()?;
    let mut screen = Screen::default();
    let mut news = house.console.subscribe();
    screen.say(WELCOME);
    house.show_again().await?;
    let mut talk = Talk { who: "ana".to_owned(), place: "#host-approvers".to_owned(), asking: None };
    loop {
        house.settled().await?;
        drain(&mut news, &mut screen);
        let prompt = format!("{} in {}> ", talk.who, talk.place);
        let line = loop {
            tokio::select! {
                line = input.next(&prompt) => break line?,
                output = news.recv() => {
                    input.clear();
                    match output {
                        Ok(output) => screen.show(&output),
                        Err(RecvError::Lagged(missed)) => screen.say(&format!("({missed} lines were too fast for this screen: look)")),
                        Err(RecvError::Closed) => return Ok(()),
                    }
                }
            }
        };
        match line {
            None => return Ok(()),
            Some(line) if matches!(line.trim(), "quit" | "exit") => return Ok(()),
            Some(line) => {
                if let Some(answer) = talk.line(house, line.trim()).await? {
                    screen.say(&answer);
                }
            }
        }
    }
}

fn drain(news: &mut Receiver<Output>, screen: &mut Screen) {
    while let Ok(output) = news.try_recv() {
        screen.show(&output);
    }
}

/// Who one is, and where one looks.
struct Talk {
    who: String,
    place: String,
    /// The form that is open: every line answers it.
    asking: Option<Asking>,
}

impl Talk {
    async fn line(&mut self, house: &House, line: &str) -> anyhow::Result<Option<String>> {
        let left = match self.asking.take() {
            Some(_) if leaves(line) => true,
            Some(open) => {
                let next = open.answer(desk(house), line).await?;
                return self.form(house, next).await.map(Some);
            }
            None => false,
        };
        let said = self.command(house, line).await?;
        Ok(if left {
            Some(format!("(The form is left; nothing was asked.)\n{}", said.unwrap_or_default()).trim_end().to_owned())
        } else {
            said
        })
    }

    async fn command(&mut self, house: &House, line: &str) -> anyhow::Result<Option<String>> {
        if line == "/jit" {
            let next = Asking::begin(desk(house), &self.who).await?;
            return self.form(house, next).await.map(Some);
        }
        let (word, rest) = line.split_once(' ').map_or((line, ""), |(word, rest)| (word, rest.trim()));
        Ok(Some(match word {
            "" => return Ok(None),
            "help" => WELCOME.to_owned(),
            "as" => {
                let name = rest.trim_start_matches('@').to_lowercase();
                if !town::knows(&name) {
                    return Ok(Some(format!("Nobody is called \"{rest}\" here: {}.", town::names())));
                }
                self.who = name;
                return Ok(None);
            }
            "in" => {
                let place = format!("#{}", rest.trim_start_matches('#'));
                if !["#host-approvers", "#ops"].contains(&place.as_str()) {
                    return Ok(Some(format!("There is no channel \"{rest}\" here: #host-approvers, #ops.")));
                }
                self.place = place;
                self.look(house)
            }
            "look" => self.look(house),
            "cert" => house.save_certificate(&self.who).await?,
            "press" => self.press(house, rest).await?,
            _ => house.say(&self.who, line).await?,
        }))
    }

    async fn form(&mut self, house: &House, next: Next) -> anyhow::Result<String> {
        let mut next = next;
        loop {
            next = match next {
                Next::Ask(open, question) => {
                    self.asking = Some(open);
                    return Ok(question);
                }
                Next::Over(said) => return Ok(said),
                Next::Send(open) => match house.send(&self.who, open.filled().clone()).await? {
                    Ok(said) => return Ok(said),
                    Err(refusal) => open.refused(desk(house), &refusal).await?,
                },
            };
        }
    }

    fn look(&self, house: &House) -> String {
        let shown = house.console.channel(&self.place);
        if shown.is_empty() { format!("{} is empty.", self.place) } else { shown }
    }

    async fn press(&self, house: &House, rest: &str) -> anyhow::Result<String> {
        let (number, words) = rest.split_once(' ').unwrap_or((rest, ""));
        let Ok(number) = number.parse::<usize>() else {
            return Ok("Which button? press 1 presses [1 …]; words after the number go with it.".to_owned());
        };
        let Some(button) = house.console.button(&self.who, number) else {
            return Ok(format!("There is no button {number} that {} can see now. look shows the channel as it is.", self.who));
        };
        let words = Some(words.trim()).filter(|words| !words.is_empty());
        house.act(&self.who, &button.action, &button.value, words).await
    }
}

fn desk(house: &House) -> Desk<'_> {
    Desk { bot: &house.bot, voice: &house.voice }
}

/// A command, or another person at the keyboard: neither is an answer to a question.
fn leaves(line: &str) -> bool {
    let person = line.strip_prefix("as ").map(|name| name.trim().trim_start_matches('@').to_lowercase());
    line == "/jit" || line.starts_with("/jit ") || person.is_some_and(|name| town::knows(&name))
}
