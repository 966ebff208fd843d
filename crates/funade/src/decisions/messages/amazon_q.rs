//! Custom notifications of Amazon Q Developer in chat applications, for Slack and Teams.
//!
//! Its form and parameters: <https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>.
//! Whatever is in a thread has one `threadId`, if the channel's preferences allow threads. Everything
//! in it is read as Markdown, so everything goes through `clean`, but for commands: those are made of
//! checked names, and stand as code, so that they can be copied.

use serde_json::{Value, json};

use super::clean::{cut, markdown, plain, short_id};
use super::text::{Next, Words, line_of_markdown};
use super::{environment_name, service_name, thread_of};
use crate::config::Environment;
use crate::facts::notice::Notice;

/// The longest title, in characters; a longer notification is not shown. The page above.
const TITLE_LETTERS_MAX: usize = 250;

/// The longest description, in characters. The page above.
const DESCRIPTION_LETTERS_MAX: usize = 8_000;

/// The longest of the other texts, in characters: the page gives them no limit, and a chat's
/// message has one.
const TEXT_LETTERS_MAX: usize = 1_000;

/// The longest thread's id, in characters. Of its own making: the page gives none.
const THREAD_LETTERS_MAX: usize = 100;

/// The notification's JSON.
pub(super) fn body(notice: &Notice, environment: Option<&Environment>, words: &Words) -> String {
    let lines: Vec<String> = words.lines.iter().map(|line| line_of_markdown(line)).collect();
    let next: Vec<String> = words.next.iter().map(step).collect();
    let title = cut(&markdown(&words.title), TITLE_LETTERS_MAX);
    let kind = notice.kind().as_str();
    let names = [
        environment_name(notice).map(ToString::to_string),
        service_name(notice).map(ToString::to_string),
        notice.release().map(ToString::to_string),
    ];
    let keywords = ["funade", kind].into_iter().map(str::to_owned);
    let keywords: Vec<String> =
        keywords.chain(names.into_iter().flatten()).map(|word| text(&word)).collect();
    json!({
        "version": "1.0",
        "source": "custom",
        "id": notice.id,
        "content": {
            "textType": "client-markdown",
            "title": title,
            "description": cut(&lines.join("\n"), DESCRIPTION_LETTERS_MAX),
            "nextSteps": next,
            "keywords": keywords,
        },
        "metadata": {
            "threadId": short_id(&thread_of(notice), THREAD_LETTERS_MAX),
            "summary": title,
            "eventType": kind,
            "relatedResources": resources(notice),
            "additionalContext": context(notice, environment),
        },
    })
    .to_string()
}

fn step(next: &Next) -> String {
    match next {
        Next::Type { command, which } => format!("`{}`: {which}", plain(command)),
        Next::Do(what) => text(what),
    }
}

fn text(text: &str) -> String {
    cut(&markdown(text), TEXT_LETTERS_MAX)
}

/// The revisions that it is about.
fn resources(notice: &Notice) -> Vec<String> {
    let Some(deploy) = notice.deploy() else { return Vec::new() };
    let revisions = std::iter::once(&deploy.from).chain(deploy.progress.revision());
    revisions.map(|revision| text(revision.short())).collect()
}

/// What a custom action of the channel can take as its variables: texts, by keys of ours.
fn context(notice: &Notice, environment: Option<&Environment>) -> Value {
    let place = environment.map(|environment| &environment.place);
    let entries = [
        ("severity", Some(notice.severity().to_string())),
        ("about", Some(notice.about.to_string())),
        ("environment", environment_name(notice).map(ToString::to_string)),
        ("service", service_name(notice).map(ToString::to_string)),
        ("account", place.map(|place| place.account.to_string())),
        ("region", place.map(|place| place.region.to_string())),
        ("cluster", environment.map(|environment| environment.cluster.to_string())),
        ("release", notice.release().map(ToString::to_string)),
        ("deploy", notice.deploy().map(|deploy| deploy.id.to_string())),
    ];
    let entries = entries.into_iter().filter_map(|(key, value)| Some((key, text(&value?))));
    entries.map(|(key, value)| (key.to_owned(), Value::String(value))).collect()
}
