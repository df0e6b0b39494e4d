<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * Sends, and notes for confirm() what it has sent.
 *
 * @internal
 */
final class DirectSender implements Sender
{
    public function __construct(
        #[\SensitiveParameter] public readonly Connection $connection,
        public readonly Sent $sent,
    ) {
    }

    public function send(string $namespace, array $command): void
    {
        $since = $this->sent->since($namespace);
        $reply = null;
        try {
            $reply = $this->connection->send($command);
        } finally { // it may have been sent
            $this->sent->note($namespace, $since, $command, $reply);
        }
    }

    /**
     * @param list<string>                 $namespaces of each command
     * @param list<non-empty-list<string>> $commands
     */
    public function sendAll(array $namespaces, array $commands): void
    {
        $since = hrtime(true);
        $replies = null;
        try {
            $replies = $this->connection->sendAll($commands);
        } finally {
            $this->sent->noteAll($namespaces, $since, $commands, $replies);
        }
    }

    public function direct(): self
    {
        return $this;
    }
}
