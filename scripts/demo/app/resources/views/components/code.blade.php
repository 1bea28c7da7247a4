@props(['files'])
@foreach ($files as $name => $text)
    <figure class="code">
        <figcaption>{{ $name }}</figcaption>
        <pre tabindex="0" aria-label="{{ $name }}"><code>{{ $text }}</code></pre>
    </figure>
@endforeach
