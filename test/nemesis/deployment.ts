import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type App, type LatchkeyProcesses, startLatchkeyProcesses } from '#libs/testing/latchkey-processes';
import { type PrivateStack, startPrivateStack } from '#libs/testing/private-stack';
import type { SpawnedProcess } from '#libs/testing/spawn-service';
import { ApiVerifier } from './api-verifier.js';
import { type CommitCuttingProxy, startCommitCuttingProxy } from '../faults/commit-cutting-proxy.js';
import { CuttableProxy } from './cuttable-proxy.js';
import { GrpcVerifier } from './grpc-verifier.js';
import type { NemesisVerifier } from './nemesis-verifier.js';

const AUTHORITIES = ['authority-1', 'authority-2'];
const VERIFIERS = ['verifier-1', 'verifier-2'];
const API = 'api';
const USAGE = 'usage';
const NEVER_LAPSING = `--import=${pathToFileURL(resolve('test', 'nemesis', 'never-lapsing.mjs')).href}`;

/** One service process after the other, at the same address. */
export interface Instance {
  readonly name: string;
  /** Names the memory of the one that runs now. */
  incarnation(): string;
  /** Resolves when it is ready. */
  start(): Promise<void>;
  /** Sends a signal without waiting for anything. */
  signal(signal: NodeJS.Signals): void;
  /** Sends a signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

export interface AuthorityInstance extends Instance {
  readonly httpUrl: string;
  /** Its way to PostgreSQL. */
  readonly database: CommitCuttingProxy;
}

export interface VerifierInstance extends Instance {
  /** Its way to the replicas of the authority. */
  readonly network: CuttableProxy;
  /** To ask it with, whichever of its processes is there; to be closed. */
  connect(): NemesisVerifier;
}

/** Two replicas of the authority, two auth-verifiers, an api that verifies in its own process, and usage. */
export interface Deployment {
  readonly stack: PrivateStack;
  readonly authorities: readonly AuthorityInstance[];
  readonly verifiers: readonly VerifierInstance[];
  readonly usage: Instance;
  readonly operatorToken: string;
  /** Lines of stdout and stderr of all processes there were. */
  output(): string[];
  stop(): Promise<void>;
}

export interface DeploymentOptions {
  /** Further variables of every service. */
  readonly environment: Readonly<Record<string, string>>;
  /** A deliberate mistake: no verifier minds the end of its lease. */
  readonly neverLapsing?: boolean;
  /** A process ended that nobody had asked to. */
  onUnexpectedEnd(name: string): void;
}

export async function startDeployment(options: DeploymentOptions): Promise<Deployment> {
  const stack = await startPrivateStack(['kafka', 'redis', 'postgres']);
  const proxies: { close(): void }[] = [];
  let latchkey: LatchkeyProcesses | undefined;
  let stopping = false;
  const onEnd = (name: string) => {
    if (!stopping) options.onUnexpectedEnd(name);
  };
  const stop = async () => {
    stopping = true;
    try {
      await latchkey?.stop();
    } finally {
      for (const proxy of proxies) proxy.close();
      await stack.stop();
    }
  };
  try {
    latchkey = await startLatchkeyProcesses(stack.env, { apps: [], environment: options.environment });
    const services = latchkey;
    const { operatorToken, serviceToken } = services;
    const authorities: AuthorityInstance[] = [];
    const verifiers: VerifierInstance[] = [];
    const authorityPorts: number[] = [];
    for (const name of AUTHORITIES) {
      const { DATABASE_URL: databaseUrl = '' } = services.environments['key-management'];
      const database = await startCommitCuttingProxy(Number(new URL(databaseUrl).port));
      proxies.push(database);
      const environment = { DATABASE_URL: withPort(databaseUrl, database.port) };
      const service = new ServiceProgram(services, 'key-management', name, environment);
      const instance = await startInstance(name, service, onEnd);
      authorityPorts.push(Number(service.grpcAddress.split(':')[1]));
      authorities.push({ ...instance, httpUrl: service.httpUrl, database });
    }
    const verifierEnvironment = (network: CuttableProxy) => ({
      LATCHKEY_MANAGEMENT_ADDRESS: `127.0.0.1:${network.port}`,
      ...(options.neverLapsing === true && { NODE_OPTIONS: NEVER_LAPSING }),
    });
    const startVerifier = async (
      name: string,
      program: ServiceProgram,
      network: CuttableProxy,
      connect: (incarnation: () => string) => NemesisVerifier,
    ) => {
      const instance = await startInstance(name, program, onEnd);
      verifiers.push({ ...instance, network, connect: () => connect(() => instance.incarnation()) });
    };
    for (const name of VERIFIERS) {
      const network = await CuttableProxy.start(authorityPorts);
      proxies.push(network);
      const service = new ServiceProgram(services, 'auth-verifier', name, verifierEnvironment(network));
      await startVerifier(
        name,
        service,
        network,
        (incarnation) => new GrpcVerifier(name, incarnation, service.grpcAddress, serviceToken),
      );
    }
    const network = await CuttableProxy.start(authorityPorts);
    proxies.push(network);
    const api = new ServiceProgram(services, 'api', API, {
      ...verifierEnvironment(network),
      LATCHKEY_VERIFIER_MODE: 'in-process',
      LATCHKEY_VERIFIER_ID: API,
      // Its own has no role at the fence.
      LATCHKEY_SERVICE_TOKEN: serviceToken,
    });
    await startVerifier(API, api, network, (incarnation) => new ApiVerifier(API, incarnation, api.httpUrl));
    const usage = await startInstance(USAGE, new ServiceProgram(services, 'usage', USAGE, {}), onEnd);
    const output = () => services.output();
    return { stack, authorities, verifiers, usage, operatorToken, output, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A service of `latchkey`, started again and again under one name; where it listens is known once it was started. */
class ServiceProgram {
  httpUrl = '';
  grpcAddress = '';

  constructor(
    private readonly latchkey: LatchkeyProcesses,
    private readonly app: App,
    private readonly name: string,
    private readonly environment: Readonly<Record<string, string>>,
  ) {}

  async start(): Promise<SpawnedProcess> {
    const options = { instance: this.name, environment: this.environment };
    const { httpUrl, grpcAddress, process } = await this.latchkey.start(this.app, options);
    this.httpUrl = httpUrl;
    this.grpcAddress = grpcAddress;
    return process;
  }

  /** The last one that was started. */
  process(): SpawnedProcess {
    return this.latchkey.process(this.name);
  }
}

async function startInstance(
  name: string,
  program: ServiceProgram,
  onUnexpectedEnd: (name: string) => void,
): Promise<Instance> {
  let starts = 0;
  let mayEnd = false;
  const instance: Instance = {
    name,
    incarnation: () => `${name}#${starts}`,
    async start() {
      starts += 1;
      mayEnd = false;
      const started = await program.start();
      void started.exited.then(() => {
        if (!mayEnd) onUnexpectedEnd(name);
      });
    },
    signal: (signal) => program.process().signal(signal),
    async kill(signal) {
      mayEnd = true;
      await program.process().kill(signal);
    },
  };
  await instance.start();
  return instance;
}

function withPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href;
}
