//! Proves rows of Poseidon permutations over KoalaBear with Plonky3 and prints one JSON object.
//!
//! Arguments: logarithms of rows, blowup and folding arity; queries, query grinding, fold grinding, repeats.

use std::time::Instant;

use p3_blake3::Blake3;
use p3_challenger::{HashChallenger, SerializingChallenger32};
use p3_commit::ExtensionMmcs;
use p3_dft::Radix2DitParallel;
use p3_field::extension::QuinticTrinomialExtensionField;
use p3_fri::{FriParameters, TwoAdicFriPcs};
use p3_koala_bear::{KOALABEAR_POSEIDON1_RC_16, KoalaBear, MDSKoalaBearData};
use p3_merkle_tree::MerkleTreeMmcs;
use p3_monty_31::MDSUtils;
use p3_poseidon1::Poseidon1Constants;
use p3_poseidon1_air::VectorizedPoseidon1Air;
use p3_symmetric::{CompressionFunctionFromHasher, SerializingHasher};
use p3_uni_stark::{StarkConfig, prove, verify};

const WIDTH: usize = 16;
const HALF_FULL_ROUNDS: usize = 4;
const PARTIAL_ROUNDS: usize = 40;
const LOG_FINAL_LENGTH: usize = 5;

type Val = KoalaBear;
type Challenge = QuinticTrinomialExtensionField<Val>;
type FieldHash = SerializingHasher<Blake3>;
type Compress = CompressionFunctionFromHasher<Blake3, 2, 32>;
type ValMmcs = MerkleTreeMmcs<Val, u8, FieldHash, Compress, 2, 32>;
type ChallengeMmcs = ExtensionMmcs<Val, Challenge, ValMmcs>;
type Challenger = SerializingChallenger32<Val, HashChallenger<u8, Blake3, 32>>;
type Dft = Radix2DitParallel<Val>;
type Pcs = TwoAdicFriPcs<Val, Dft, ValMmcs, ChallengeMmcs>;
type Config = StarkConfig<Pcs, Challenge, Challenger>;
type Air = VectorizedPoseidon1Air<Val, WIDTH, 3, 0, HALF_FULL_ROUNDS, PARTIAL_ROUNDS, 1>;

fn main() {
    let arguments: Vec<usize> = std::env::args().skip(1).map(|text| text.parse().expect("a number")).collect();
    let [log_rows, log_blowup, log_arity, queries, query_grinding, fold_grinding, repeats] = arguments[..] else {
        panic!("expected seven numbers");
    };
    // The published constants, some of them used twice: the cost is that of any others.
    let constants = (0..2 * HALF_FULL_ROUNDS + PARTIAL_ROUNDS)
        .map(|round| KOALABEAR_POSEIDON1_RC_16[round % KOALABEAR_POSEIDON1_RC_16.len()])
        .collect();
    let raw = Poseidon1Constants {
        rounds_f: 2 * HALF_FULL_ROUNDS,
        rounds_p: PARTIAL_ROUNDS,
        mds_circ_col: MDSKoalaBearData::MATRIX_CIRC_MDS_16_COL,
        round_constants: constants,
    };
    let (full, partial) = raw.to_optimized();
    let air: Air = VectorizedPoseidon1Air::new(full, partial);
    let mut proving = Vec::new();
    let mut verifying = Vec::new();
    let mut bytes = 0;
    let mut columns = 0;
    for _ in 0..repeats {
        let mmcs = ValMmcs::new(FieldHash::new(Blake3), Compress::new(Blake3), 0);
        let parameters = FriParameters {
            log_blowup,
            log_final_poly_len: LOG_FINAL_LENGTH,
            max_log_arity: log_arity,
            num_queries: queries,
            batch_proof_of_work_bits: 0,
            commit_proof_of_work_bits: fold_grinding,
            query_proof_of_work_bits: query_grinding,
            mmcs: ChallengeMmcs::new(mmcs.clone()),
        };
        let trace = air.generate_vectorized_trace_rows(1 << log_rows, log_blowup);
        columns = trace.width;
        let pcs = Pcs::new(Dft::default(), mmcs, parameters);
        let config = Config::new(pcs, Challenger::from_hasher(vec![], Blake3));
        let started = Instant::now();
        let proof = prove(&config, &air, trace, &[]).expect("a proof");
        proving.push(started.elapsed().as_secs_f64());
        let started = Instant::now();
        verify(&config, &air, &proof, &[]).expect("a proof that verifies");
        verifying.push(started.elapsed().as_secs_f64());
        bytes = postcard::to_allocvec(&proof).expect("bytes").len();
    }
    println!(
        "{{\"columns\": {columns}, \"bytes\": {bytes}, \"prove_seconds\": {proving:?}, \"verify_seconds\": {verifying:?}}}"
    );
}
