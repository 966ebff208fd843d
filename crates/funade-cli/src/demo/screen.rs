//! The terminal: live bars for a person, lines that say what changed for a pipe.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use console::style;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Real time between two frames.
const FRAME: Duration = Duration::from_millis(50);

/// Steps of a bar: finer than any count of tasks.
const STEPS: u64 = 60;

/// Where the story is shown.
pub(crate) struct Screen {
    live: bool,
    speed: u32,
}

/// The bars of one scene.
pub(super) struct Bars {
    live: Option<(MultiProgress, BTreeMap<String, ProgressBar>)>,
    /// What was last said of each, so that a pipe gets a line only when that changes.
    said: RefCell<BTreeMap<String, String>>,
}

impl Screen {
    pub(crate) fn new(speed: u32) -> Self {
        Self { live: console::user_attended(), speed }
    }

    /// Begins a scene.
    pub(super) fn scene(&self, title: &str) {
        println!("\n{}", style(title).bold().cyan());
        self.rest(8);
    }

    /// Says something.
    pub(super) fn say(&self, text: &str) {
        println!("  {text}");
        self.rest(4);
    }

    /// A bar for each name.
    pub(super) fn bars<'a>(&self, names: impl Iterator<Item = &'a str>) -> Bars {
        let live = self.live.then(|| {
            let all = MultiProgress::new();
            let form = "  {prefix:20} {bar:30.green/dim} {msg}";
            let form = ProgressStyle::with_template(form).expect("the template is well-formed");
            let bar = |name: &str| {
                let bar = all.add(ProgressBar::new(STEPS).with_style(form.clone()));
                bar.set_prefix(name.to_owned());
                (name.to_owned(), bar)
            };
            let bars = names.map(bar).collect();
            (all, bars)
        });
        Bars { live, said: RefCell::default() }
    }

    /// Waits as long as a number of frames.
    #[expect(clippy::disallowed_methods, reason = "a person watches: this is a show, not a wait")]
    pub(super) fn rest(&self, frames: u32) {
        if self.live && self.speed > 0 {
            std::thread::sleep(FRAME * frames * 100 / self.speed);
        }
    }
}

impl Bars {
    /// Sets a bar. `clock` is the simulated time.
    pub(crate) fn set(&self, name: &str, share: f64, text: &str, clock: &str) {
        if let Some((_, bars)) = &self.live {
            let bar = &bars[name];
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a share of a few dozen steps"
            )]
            bar.set_position((share.clamp(0.0, 1.0) * STEPS as f64) as u64);
            bar.set_message(text.to_owned());
            return;
        }
        let before = self.said.borrow_mut().insert(name.to_owned(), text.to_owned());
        if before.as_deref() != Some(text) {
            println!("  {clock}  {name:20} {text}");
        }
    }

    /// Leaves the bars on the screen as they are.
    pub(super) fn finish(self) {
        for bar in self.live.iter().flat_map(|(_, bars)| bars.values()) {
            bar.abandon();
        }
    }
}
