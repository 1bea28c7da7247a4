<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support\Install;

use Dotenv\Dotenv;
use Dotenv\Exception\InvalidFileException;

/**
 * An .env file as text: lines are set where they stand, and new ones are added together at the end. Comments, order and
 * everything else stay.
 */
final class EnvFile
{
    /** @var array<string, ?string> */
    private array $values;

    /** @var list<string> */
    private array $added = [];

    private string $text;

    public function __construct(#[\SensitiveParameter] private readonly string $before)
    {
        $this->text = $before;
        $this->values = self::parse($before);
    }

    /**
     * What a line says, with what it refers to; null for a line that is missing or empty.
     */
    public function get(string $name): ?string
    {
        $value = $this->values[$name] ?? null;

        return $value === '' ? null : $value;
    }

    /**
     * A line as it stands there, "${FANFARE_HOST}" for one.
     */
    public function raw(string $name): ?string
    {
        return preg_match('/^[ \t]*(?:export[ \t]+)?'.preg_quote($name, '/').'[ \t]*=[ \t]*(.*?)[ \t]*\r?$/m', $this->text(), $match) === 1
            ? trim($match[1], '"\'') : null;
    }

    /**
     * Sets a line, whatever it said before.
     */
    public function set(string $name, #[\SensitiveParameter] string $value): void
    {
        if (preg_match('/[\r\n]/', $value) === 1) {
            throw new \InvalidArgumentException("{$name} must be one line.");
        }
        $line = $name.'='.self::quoted($value);
        $text = preg_replace_callback(
            '/^[ \t]*(?:export[ \t]+)?'.preg_quote($name, '/').'[ \t]*=.*?(?=\r?$)/m', static fn (): string => $line, $this->text, 1, $count
        );

        if ($text !== null && $count === 1) {
            $this->text = $text;
        } else {
            $this->added[] = $line;
        }
        $this->values = self::parse($this->text());
    }

    /**
     * Sets a line at the end, for one that refers to others: they must stand before it.
     */
    public function append(string $name, string $value): void
    {
        $this->text = (string) preg_replace('/^[ \t]*(?:export[ \t]+)?'.preg_quote($name, '/').'[ \t]*=.*(?:\r?\n|$)/m', '', $this->text);
        $this->set($name, $value);
    }

    /**
     * Sets a line that is missing or empty.
     */
    public function fill(string $name, #[\SensitiveParameter] string $value): void
    {
        if ($this->get($name) === null) {
            $this->set($name, $value);
        }
    }

    public function text(): string
    {
        if ($this->added === []) {
            return $this->text;
        }
        $end = str_contains($this->text, "\r\n") ? "\r\n" : "\n";

        return rtrim($this->text).($this->text === '' ? '' : $end.$end).implode($end, $this->added).$end;
    }

    public function isChanged(): bool
    {
        return $this->text() !== $this->before;
    }

    /**
     * The names of lines that say something else than before.
     *
     * @return list<string>
     */
    public function changes(): array
    {
        $before = self::parse($this->before);

        return array_values(array_filter(
            array_map(strval(...), array_keys($this->values)),
            fn (string $name): bool => ($before[$name] ?? null) !== $this->values[$name] || ! array_key_exists($name, $before)
        ));
    }

    private static function quoted(string $value): string
    {
        if (preg_match('#^[A-Za-z0-9_./:@-]*$#', $value) === 1) {
            return $value;
        }

        // A reference to another line works in double quotes; a dollar that is none is escaped.
        return preg_match('/^\$\{[A-Z0-9_]+\}$/', $value) === 1
            ? '"'.$value.'"'
            : '"'.addcslashes($value, '"\\$').'"';
    }

    /**
     * @return array<string, ?string>
     */
    private static function parse(#[\SensitiveParameter] string $text): array
    {
        try {
            return Dotenv::parse($text);
        } catch (InvalidFileException) {
            return [];
        }
    }
}
