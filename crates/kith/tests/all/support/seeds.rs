//! Random runs that come again: each has a seed, a run that fails is made as short as it can be, and says
//! how it comes again.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// How many runs there are, instead of the usual number.
const RUNS: &str = "KITH_MODEL_RUNS";

/// The seed of the first run; each further one has the next number.
const SEED: &str = "KITH_MODEL_SEED";

/// The first seed of an ordinary test run: it tries the same on every machine.
const USUAL_SEED: u64 = 20_261_121;

/// Shorter runs are tried for this long once one has failed.
const SHORTER_MAX_MS: u32 = 60_000;

/// Tries what `strategy` makes of one seed after another.
pub(crate) fn try_seeds<S: Strategy>(
    usual_runs: u64,
    strategy: &S,
    run: impl Fn(u64, S::Value) + Clone,
) {
    let (runs, first) = (setting(RUNS, usual_runs), setting(SEED, USUAL_SEED));
    for seed in first..first + runs {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let config = Config {
            cases: 1,
            max_shrink_iters: 1_000_000,
            max_shrink_time: SHORTER_MAX_MS,
            // The seed is what comes again; a file beside the test would be a second truth.
            failure_persistence: None,
            ..Config::default()
        };
        let chance = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let tried = TestRunner::new_with_rng(config, chance).run(strategy, |value| {
            run(seed, value);
            Ok(())
        });
        if let Err(failure) = tried {
            panic!("{failure}\nit comes again with: make models COUNT=1 SEED={seed}");
        }
    }
}

fn setting(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(number) => number
            .parse()
            .unwrap_or_else(|_| panic!("{name} is a number, not {number:?}")),
        Err(_) => otherwise,
    }
}
