<?php

declare(strict_types=1);

namespace Sioemit;

use Predis\Command\RawCommand;
use Predis\Connection\NodeConnectionInterface;
use Predis\Response\ErrorInterface;
use Predis\Response\Status;

/**
 * A client of Predis. Commands go to the nodes themselves: where there are several, Predis would repeat a command whose
 * connection broke, after which servers may get an event twice.
 *
 * @internal
 */
abstract class PredisConnection implements Connection
{
    /** How often a question is followed from node to node of a Redis Cluster before that is an error. */
    private const MAX_MOVES = 5;

    /**
     * Returns the node that takes what goes to a channel.
     */
    abstract protected function node(string $channel): NodeConnectionInterface;

    /**
     * Returns all nodes where servers may have subscribed.
     *
     * @return list<NodeConnectionInterface>
     */
    abstract protected function nodes(): array;

    /**
     * Returns the node at an address, of which another node told.
     */
    protected function nodeAt(
        #[\SensitiveParameter] NodeConnectionInterface $teller,
        string $host,
        int $port,
    ): NodeConnectionInterface {
        return $teller;
    }

    /**
     * Sends a command that was answered with an error. Returns what came of it.
     *
     * @param non-empty-list<string> $command
     */
    protected function redirect(array $command, ErrorInterface $error): mixed
    {
        return $error;
    }

    public function send(array $command): mixed
    {
        return $this->sendAll([$command])[0];
    }

    public function sendAll(array $commands): array
    {
        $failures = new Failures();
        $sent = $replies = [];
        /** @var array<int, \Throwable> $broken what came of nodes, by the id of their object */
        $broken = [];
        foreach ($commands as $i => $command) {
            $node = null;
            try {
                $node = $this->node($command[1]);
                if (isset($broken[spl_object_id($node)])) {
                    throw $broken[spl_object_id($node)]; // it would connect anew, and mix up the answers
                }
                $words = RawCommand::create(...$command);
                $node->writeRequest($words);
                $sent[$i] = [$node, $words, $command];
            } catch (\Throwable $e) {
                if ($node !== null) {
                    $broken[spl_object_id($node)] = $e;
                }
                $failures->add($e->getMessage(), $e);
            }
        }
        $refused = [];
        foreach ($sent as $i => [$node, $words, $command]) {
            $e = $broken[spl_object_id($node)] ?? null;
            try {
                $replies[$i] = $reply = $e !== null ? throw $e : $node->readResponse($words);
                if ($reply instanceof ErrorInterface) {
                    $refused[$i] = [$command, $reply];
                } elseif (!Answer::fits($command, $reply)) {
                    $failures->add(self::misfit($reply));
                }
            } catch (\Throwable $e) {
                $broken[spl_object_id($node)] = $e;
                $failures->add($e->getMessage(), $e);
            }
        }
        foreach ($refused as $i => [$command, $error]) {
            try {
                $replies[$i] = $reply = $this->redirect($command, $error);
                if ($reply instanceof ErrorInterface) {
                    $failures->add($reply->getMessage());
                } elseif (!Answer::fits($command, $reply)) {
                    $failures->add(self::misfit($reply));
                }
            } catch (\Throwable $e) {
                $failures->add($e->getMessage(), $e);
            }
        }
        $failures->throw($commands);
        return $replies;
    }

    /**
     * Says why a reply is none to a command that sends. A command that was queued cannot stay in the transaction of
     * Predis, which would find one answer too many after it has run. On this exception Predis discards all of it.
     */
    private static function misfit(mixed $reply): string
    {
        return $reply instanceof Status && $reply->getPayload() === 'QUEUED'
            ? 'the client is in a transaction, to which Predis can add no event; emit when it is over'
            : Answer::NOT_OURS;
    }

    public function askAll(array ...$commands): array
    {
        return self::explained($commands[0], function () use ($commands) {
            $replies = [];
            foreach ($this->nodes() as $i => $node) {
                foreach ($commands as $command) {
                    $replies[$i][] = self::ask($node, $command);
                }
            }
            return $replies;
        });
    }

    public function askAt(string $name, array $command): mixed
    {
        return self::explained($command, function () use ($name, $command) {
            $reply = $this->node($name)->executeCommand(RawCommand::create(...$command));
            $reply = $reply instanceof ErrorInterface ? $this->redirect($command, $reply) : $reply;
            return self::checked($command, $reply);
        });
    }

    public function question(
        array $command,
        float $patience,
        #[\SensitiveParameter] mixed $master = null,
    ): mixed {
        try {
            $node = $master ?? $this->node($command[1]);
            $node->connect();
            for ($moves = 0;; $moves++) {
                $reply = self::askOnce($node, $command);
                $isMoved = $moves < self::MAX_MOVES && $reply instanceof ErrorInterface
                    && preg_match('/^MOVED \d+ (.*):(\d+)$/', $reply->getMessage(), $moved) === 1;
                if (!$isMoved) {
                    break;
                }
                $node = $this->nodeAt($node, $moved[1], (int) $moved[2]); // nobody was asked yet
            }
        } catch (SioemitException $e) {
            throw $e;
        } catch (\Throwable $e) {
            throw SioemitException::fromRedis($command[0], $e->getMessage(), $e);
        }
        if (!Answer::fits($command, $reply)) {
            $why = $reply instanceof ErrorInterface ? $reply->getMessage() : self::misfit($reply);
            throw SioemitException::fromRedis($command[0], $why);
        }
        return $reply;
    }

    /**
     * Calls a function, of which Predis throws what is ours to explain.
     *
     * @param non-empty-list<string> $command
     */
    protected static function explained(array $command, #[\SensitiveParameter] \Closure $call): mixed
    {
        try {
            return $call();
        } catch (SioemitException $e) {
            throw $e;
        } catch (\Throwable $e) {
            throw SioemitException::fromRedis($command[0], $e->getMessage(), $e);
        }
    }

    /**
     * @param non-empty-list<string> $command
     */
    private static function askOnce(#[\SensitiveParameter] NodeConnectionInterface $node, array $command): mixed
    {
        try {
            return $node->executeCommand(RawCommand::create(...$command));
        } catch (\Throwable $e) {
            throw SioemitException::fromRedis($command[0], $e->getMessage(), $e, Reason::MaybeAsked);
        }
    }

    /**
     * @param non-empty-list<string> $command
     */
    protected static function ask(#[\SensitiveParameter] NodeConnectionInterface $node, array $command): mixed
    {
        return self::checked($command, $node->executeCommand(RawCommand::create(...$command)));
    }

    /**
     * @param non-empty-list<string> $command
     */
    private static function checked(array $command, mixed $reply): mixed
    {
        if ($reply instanceof ErrorInterface) {
            throw SioemitException::fromRedis(Answer::name($command), $reply->getMessage());
        }
        return $reply;
    }
}
