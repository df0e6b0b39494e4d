<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * Keeps commands until all are there.
 *
 * @internal
 */
final class Pipeline implements Connection
{
    /** @var list<non-empty-list<string>> */
    private array $commands = [];
    private bool $ended = false;

    public function send(array $command): void
    {
        if ($this->ended) {
            throw new SioemitException(
                Reason::PipelineEnded,
                'the function of the pipeline has returned, and nobody would send what is added now',
            );
        }
        $this->commands[] = $command;
    }

    public function sendAll(array $commands): void
    {
        foreach ($commands as $command) {
            $this->send($command);
        }
    }

    public function askAll(array $command): array
    {
        throw self::inPipeline();
    }

    public function address(string $channel): RedisAddress
    {
        throw self::inPipeline();
    }

    public function question(array $command, float $patience): void
    {
        throw self::inPipeline();
    }

    private static function inPipeline(): SioemitException
    {
        return new SioemitException(
            Reason::InPipeline,
            'this call needs an answer, which a pipeline has only at its end',
        );
    }

    /**
     * Ends the pipeline and returns its commands.
     *
     * @return list<non-empty-list<string>>
     */
    public function end(): array
    {
        $this->ended = true;
        return $this->commands;
    }
}
