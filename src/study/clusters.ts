/** Which blocks belong together: the cluster of a block, a pure function of the study's own declaration. */
import { AssayError } from '#base/errors.ts';
import type { Cluster } from '#study/study.ts';

/**
 * The name of a block's cluster, counted from 1 where the study gives no names.
 * @throws AssayError where a list has no name for the block.
 */
export function clusterOf(cluster: Cluster, block: number): string {
  if (cluster.kind === 'modulo') return `${cluster.label} ${(block % cluster.count) + 1}`;
  const name = cluster.names[block];
  if (name === undefined) {
    throw new AssayError(
      'config',
      `Expected a ${cluster.label} for every block, found ${cluster.names.length} names and a block ${block}. Add names to "blocks.cluster", or run fewer seeds.`,
    );
  }
  return name;
}

/** How many clusters so many blocks are. */
export function clusterCount(cluster: Cluster, blocks: number): number {
  return new Set(Array.from({ length: blocks }, (_, block) => clusterOf(cluster, block))).size;
}

/** How many clusters there are at most, however many blocks are run. */
export function mostClusters(cluster: Cluster): number {
  return cluster.kind === 'modulo' ? cluster.count : new Set(cluster.names).size;
}

/** "8 domains", "1 domain". */
export function clustersText(label: string, count: number): string {
  return `${count} ${label}${count === 1 ? '' : 's'}`;
}
