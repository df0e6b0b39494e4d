package Sioemit::JSON;

use strict;
use warnings;

use parent 'Sioemit::Encoder';

use Sioemit::Error qw(refuse);

my %ESCAPE = ("\b" => '\b', "\t" => '\t', "\n" => '\n', "\f" => '\f', "\r" => '\r', '"' => '\"', '\\' => '\\\\');

sub null {
    $_[0]{out} .= 'null';
    return 0;
}

sub boolean {
    my ($self, $value) = @_;
    $self->{out} .= $value ? 'true' : 'false';
    return $value;
}

sub integer {
    my ($self, $n) = @_;
    $self->{out} .= sprintf '%d', $n;
    return;
}

# float writes the shortest decimal that is the same number.
sub float {
    my ($self, $number) = @_;
    for my $digits (15 .. 17) {
        my $text = sprintf "%.${digits}g", $number;
        if ($text == $number) {
            $self->{out} .= $text;
            return;
        }
    }
    return refuse('unencodable', "$number has no decimal of 17 digits");
}

sub text {
    my ($self, $bytes) = @_;
    (my $escaped = $bytes) =~ s/(["\\\x00-\x1f])/$ESCAPE{$1} || sprintf '\\u%04x', ord $1/ge;
    $self->{out} .= qq{"$escaped"};
    return $bytes ne '';
}

sub key {
    my ($self, $bytes) = @_;
    $self->text($bytes);
    $self->{out} .= ':';
    return;
}

sub binary { return refuse('binary-in-json', 'JSON cannot carry binary') }

sub begin_array  { $_[0]{out} .= '['; return }
sub begin_object { $_[0]{out} .= '{'; return }
sub end_array    { $_[0]{out} .= ']'; return }
sub end_object   { $_[0]{out} .= '}'; return }
sub separator    { $_[0]{out} .= ','; return }

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::JSON - values as JSON

=head1 DESCRIPTION

The writer of L<Sioemit::Encoder> for all that goes to servers in JSON.

=head1 METHODS

=head2 null

=head2 boolean

=head2 integer

=head2 float

=head2 text

=head2 key

=head2 binary

=head2 begin_array

=head2 begin_object

=head2 end_array

=head2 end_object

=head2 separator

=cut
