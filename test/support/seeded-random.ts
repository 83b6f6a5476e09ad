// Dice for tests: those of the simulator.

export { seededRandom } from '../../mesh-sim/sim/seeded-random.ts';
