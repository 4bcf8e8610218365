import type { Admin } from 'kafkajs';
import type { TopicDefinition } from '#libs/contracts';
import { TopicMismatch } from './event-log.js';

interface TopicReplication {
  replicationFactor: number;
  minInSyncReplicas: number;
}

/** Makes the topic unless it is there; rejects with {@link TopicMismatch}. One that is there keeps its configuration. */
export async function ensureTopic(
  admin: Admin,
  topic: TopicDefinition,
  replication: TopicReplication,
): Promise<void> {
  // Looking comes first: where somebody else makes the topics, a service needs no right to make them.
  let partitions = await partitionsOf(admin, topic.name);
  if (partitions === undefined) {
    await admin.createTopics({
      topics: [
        {
          topic: topic.name,
          numPartitions: topic.partitions,
          replicationFactor: replication.replicationFactor,
          configEntries: configEntries(topic, replication),
        },
      ],
    });
    // Somebody else may have made it at the same time, differently.
    partitions = await partitionsOf(admin, topic.name);
    if (partitions === undefined) throw new Error(`topic ${topic.name} is not there yet`);
  }
  if (partitions !== topic.partitions) throw new TopicMismatch(topic.name, topic.partitions, partitions);
}

async function partitionsOf(admin: Admin, name: string): Promise<number | undefined> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
    return topics.find((topic) => topic.name === name)?.partitions.length;
  } catch (error) {
    if ((error as { type?: string }).type === 'UNKNOWN_TOPIC_OR_PARTITION') return undefined;
    throw error;
  }
}

function configEntries(topic: TopicDefinition, { minInSyncReplicas }: TopicReplication) {
  const entries = [
    { name: 'cleanup.policy', value: topic.cleanup },
    { name: 'min.insync.replicas', value: String(minInSyncReplicas) },
  ];
  if (topic.retentionMs !== undefined) {
    entries.push({ name: 'retention.ms', value: String(topic.retentionMs) });
  }
  return entries;
}
