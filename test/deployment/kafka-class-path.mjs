/** Prints the class path of the Kafka that the stack runs natively, and fetches what is missing for it first. */
import { join, resolve } from 'node:path';
import { classPath, kafkaCache, kafkaIsCached } from '../../scripts/stack/native-kafka.mjs';
import { provide } from '../../scripts/stack/system-packages.mjs';

const stackDirectory = resolve(join(import.meta.dirname, '..', '..', '.stack'));
provide(['java', ...(kafkaIsCached(stackDirectory) ? [] : ['mvn'])], console.error);
const unfinished = join(stackDirectory, 'runs', `${process.pid}-kafka-cache`);
console.log(classPath(await kafkaCache(stackDirectory, unfinished)));
